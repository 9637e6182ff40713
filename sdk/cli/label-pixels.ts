// Class numbers of the pixels of a PNG label map: grey values, or positions in the palette. Colours themselves are no classes.
import { EvaluationError } from 'labelweave/evaluate';
import { decodeImage } from 'labelweave/node';

/** A label map: one class number a pixel, row-major. */
export interface LabelMap {
  readonly pixels: Uint8Array;
  readonly width: number;
  readonly height: number;
}

const colourType = { grey: 0, palette: 3 } as const;

/** Throws EvaluationError for a file that is no PNG of 8 bits a pixel or less in grey or palette, ImageError for a broken one. */
export async function labelPixels(bytes: Uint8Array, file: string): Promise<LabelMap> {
  const wrong = (found: string) =>
    new EvaluationError('invalid-predictions', {
      thing: file,
      found,
      wanted: 'a PNG label map: grey or palette, at most 8 bits a pixel, one class number a pixel',
    });
  if (bytes.length < 26 || bytes[0] !== 0x89 || bytes[1] !== 0x50) throw wrong('no PNG');
  const [depth, colour] = [bytes[24]!, bytes[25]!];
  if (colour !== colourType.grey && colour !== colourType.palette) throw wrong('colours');
  if (depth > 8) throw wrong(`${depth} bits a pixel`);
  const { data, width, height, channels } = await decodeImage(bytes);
  const pixels = new Uint8Array(width * height);
  if (colour === colourType.grey) {
    // Decoding stretches 1, 2 and 4 bits to 8.
    const stretch = 255 / (2 ** depth - 1);
    for (let i = 0; i < pixels.length; i++) pixels[i] = Math.round(data[i * channels]! / stretch);
    return { pixels, width, height };
  }
  const numbers = paletteNumbers(bytes);
  for (let i = 0, at = 0; i < pixels.length; i++, at += channels) {
    const number = numbers.get((data[at]! << 16) | (data[at + 1]! << 8) | data[at + 2]!);
    if (number === undefined || number < 0) throw wrong('a palette in which two numbers have the same colour');
    pixels[i] = number;
  }
  return { pixels, width, height };
}

/** Position of each colour of the palette; -1 for a colour that stands there twice (the rest of a palette is often padded with black). */
function paletteNumbers(bytes: Uint8Array): Map<number, number> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const numbers = new Map<number, number>();
  for (let at = 8; at + 12 <= bytes.length; at += 12 + view.getUint32(at)) {
    if (view.getUint32(at + 4) !== 0x504c5445) continue;
    const length = Math.min(view.getUint32(at), bytes.length - at - 8);
    for (let i = 0; i + 3 <= length; i += 3) {
      const colour = (bytes[at + 8 + i]! << 16) | (bytes[at + 9 + i]! << 8) | bytes[at + 10 + i]!;
      numbers.set(colour, numbers.has(colour) ? -1 : i / 3);
    }
    break;
  }
  return numbers;
}
