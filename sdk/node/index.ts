// The subpath `labelweave/node`: files and pictures for Node, Deno and Bun. Detection itself stands in `labelweave`.
export { drawOnFrame } from '../detections/draw-pixels.js';
export type { Drawable, DrawOptions } from '../detections/draw-layout.js';
export { toFrame, type FrameOptions, type ImageFrame, type ImageInput } from '../image/frame.js';
export { cacheFolder } from './byte-store.js';
export { decodeImage } from './decode.js';
export { openFolder, writeWholeFile, type WholeFile } from './folder.js';
export { readFile } from './read-file.js';
export { encodeJpeg, encodePng, writeBytes, writeJpeg, writePng } from './write.js';
