// What every runtime checks of the feeds of a frame, and how a frame that waits keeps its own. It writes no device memory.
import { ArgumentError, describe } from '../errors.js';
import type { Value } from '../ir/graph.js';
import { formatShape, sizeOf } from '../tensor/shape.js';
import type { Feed, ImageFeed, RunRequest } from './runtime.js';

/** Throws ArgumentError where a feed does not fit its input. */
export function checkFeed(
  thing: string,
  feed: Feed | undefined,
  { dtype, shape, image }: Pick<Value, 'dtype' | 'shape' | 'image'>,
): void {
  if (image) {
    if (!feed || ArrayBuffer.isView(feed)) throw new ArgumentError({ thing, found: describe(feed), wanted: 'an image' });
    if ('source' in feed) {
      throw new ArgumentError({ thing, found: describe(feed.source), wanted: 'pixels: this device takes no others' });
    }
    const { data, width, height, channels } = feed;
    const sized = Number.isInteger(width) && Number.isInteger(height) && width > 0 && height > 0;
    if (!sized || (channels !== 1 && channels !== 3 && channels !== 4) || data.length !== width * height * channels) {
      throw new ArgumentError({
        thing,
        found: `${width}x${height}x${channels} with ${data?.length} bytes`,
        wanted: 'width x height x channels bytes, at least one pixel, 1, 3 or 4 channels',
      });
    }
    checkTarget(thing, feed.target);
    return;
  }
  const type = dtype === 'float32' ? Float32Array : dtype === 'int32' ? Int32Array : Uint8Array;
  if (!(feed instanceof type) || feed.length !== sizeOf(shape)) {
    throw new ArgumentError({
      thing,
      found: describe(feed),
      wanted: `${type.name} of ${sizeOf(shape)} elements for ${formatShape(shape)}`,
    });
  }
}

/** Throws ArgumentError for a target rectangle that is empty or not finite. */
export function checkTarget(thing: string, { left, top, width, height }: ImageFeed['target']): void {
  if (Number.isFinite(left + top) && width > 0 && height > 0 && width + height < Infinity) return;
  const found = `target ${left}, ${top}, ${width} x ${height}`;
  throw new ArgumentError({ thing, found, wanted: 'a finite rectangle that is not empty' });
}

/** Copies of feeds, so that the caller may reuse its arrays while the frame waits. */
export function copyFeeds(feeds: RunRequest['feeds']): RunRequest['feeds'] {
  const copies: Record<string, Feed> = {};
  for (const [name, feed] of Object.entries(feeds)) {
    if (ArrayBuffer.isView(feed)) copies[name] = feed.slice();
    else if ('source' in feed) copies[name] = { ...feed, target: { ...feed.target } };
    else copies[name] = { ...feed, target: { ...feed.target }, data: feed.data.slice() };
  }
  return copies;
}
