// What every runtime checks of the feeds of a frame, and how a frame that waits keeps its own. It writes no device memory.
import { ArgumentError, describe } from '../errors.js';
import type { Value } from '../ir/graph.js';
import { formatShape, sizeOf } from '../tensor/shape.js';
import type { Feed, RunRequest } from './runtime.js';

/** Throws ArgumentError where a feed does not fit its input. */
export function checkFeed(
  thing: string,
  feed: Feed | undefined,
  { dtype, shape, image }: Pick<Value, 'dtype' | 'shape' | 'image'>,
): void {
  if (image) {
    if (!feed || ArrayBuffer.isView(feed)) throw new ArgumentError({ thing, found: describe(feed), wanted: 'an image' });
    const { data, width, height, channels, target } = feed;
    const sized = Number.isInteger(width) && Number.isInteger(height) && width > 0 && height > 0;
    if (!sized || (channels !== 1 && channels !== 3 && channels !== 4) || data.length !== width * height * channels) {
      throw new ArgumentError({
        thing,
        found: `${width}x${height}x${channels} with ${data?.length} bytes`,
        wanted: 'width x height x channels bytes, at least one pixel, 1, 3 or 4 channels',
      });
    }
    const { left, top } = target;
    if (!Number.isFinite(left + top) || !(target.width > 0 && target.height > 0 && target.width + target.height < Infinity)) {
      throw new ArgumentError({
        thing,
        found: `target ${left}, ${top}, ${target.width} x ${target.height}`,
        wanted: 'a finite rectangle that is not empty',
      });
    }
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

/** Copies of feeds, so that the caller may reuse its arrays while the frame waits. */
export function copyFeeds(feeds: RunRequest['feeds']): RunRequest['feeds'] {
  const copies: Record<string, Feed> = {};
  for (const [name, feed] of Object.entries(feeds)) {
    copies[name] = ArrayBuffer.isView(feed) ? feed.slice() : { ...feed, target: { ...feed.target }, data: feed.data.slice() };
  }
  return copies;
}
