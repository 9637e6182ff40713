// A small whole model for tests: it finds red, green and blue squares of 8x8 pixels on black in a 64x64 picture. Every number is known.
import { GraphBuilder } from '../../sdk/ir/builder.js';
import { writeGraphFile } from '../../sdk/graph/graph-file.js';
import { writeSafetensors } from '../../sdk/graph/safetensors.js';
import type { ModelFiles } from '../../sdk/graph/model.js';
import type { ImageFrame } from '../../sdk/tensor/image-frame.js';

export const colours = ['red', 'green', 'blue'] as const;
export type Colour = (typeof colours)[number];

/** Logit of a cell that is fully of the colour; an empty cell has the negative. */
export const fullLogit = 4;

/** One head: labels, and how much each speaks for red, green and blue (8 is full, -8 against). */
export interface ColourHead {
  dataset: string;
  labels: readonly { id: number | string; name: string; rgb: readonly [number, number, number] }[];
}

const ownHead: ColourHead = {
  dataset: 'colours',
  labels: [
    { id: 1, name: 'red', rgb: [8, -8, -8] },
    { id: 2, name: 'green', rgb: [-8, 8, -8] },
    { id: 3, name: 'blue', rgb: [-8, -8, 8] },
  ],
};

/**
 * Mean over cells of 8x8 pixels -> logits by colour; boxes are the cells: 0 to the left and top, `side` (8) to the right and bottom. Each channel says
 * its own colour and speaks against the two others, unless heads say otherwise.
 */
export function colourModel({
  name = 'colours',
  heads = [ownHead],
  side = 8,
}: { name?: string; heads?: readonly ColourHead[]; side?: number } = {}): ModelFiles & {
  files: Record<string, Uint8Array<ArrayBuffer>>;
  manifest: Record<string, unknown>;
} {
  const g = new GraphBuilder();
  const x = g.input('pixels', 'float32', [1, 64, 64, 3]);
  const [cells] = g.add('average_pool', 'cells', [x], {
    kernel: [8, 8],
    strides: [8, 8],
    padding: [0, 0, 0, 0],
    countPadding: false,
  });
  const conv = {
    strides: [1, 1],
    padding: [0, 0, 0, 0],
    dilations: [1, 1],
    groups: 1,
    activation: { kind: 'none' },
    residual: 'before_activation',
  } as const;
  // Pixels come scaled to 0..1. The first head's scores are called heat.
  for (const [h, { labels }] of heads.entries()) {
    const rows = [0, 1, 2].flatMap((channel) => labels.map(({ rgb }) => rgb[channel]!));
    const weight = g.constant(`weight${h}`, Float32Array.from(rows), [1, 1, 3, labels.length]);
    const bias = g.constant(`bias${h}`, new Float32Array(labels.length).fill(-fullLogit), [labels.length]);
    const [heat] = g.add('conv2d', heatName(h), [cells, weight, bias], conv);
    g.output(heat);
  }
  const zero = g.constant('zero', new Float32Array(12), [1, 1, 3, 4]);
  const sides = g.constant('sides', Float32Array.from([0, 0, side, side]), [4]);
  const [size] = g.add('conv2d', 'size', [cells, zero, sides], conv);
  g.output(size);
  const { json, tensors } = writeGraphFile(g.build());
  return {
    manifest: {
      labelweave: 1,
      name,
      description: 'Red, green and blue squares',
      graph: { format: 'labelweave', file: 'graph.json', weights: ['weights.safetensors'] },
      input: {
        name: 'pixels',
        height: 64,
        width: 64,
        order: 'RGB',
        mean: [0, 0, 0],
        std: [255, 255, 255],
        fit: 'stretch',
        padValue: 0,
      },
      heads: heads.map(({ dataset, labels }, h) => ({
        dataset,
        labels: labels.map(({ id, name }) => ({ id, name })),
        decoder: { type: 'centernet', heatmap: heatName(h), from: 'logit', size: 'size', stride: 8, window: 3 },
      })),
      nms: null,
    },
    files: {
      'graph.json': new TextEncoder().encode(json) as Uint8Array<ArrayBuffer>,
      'weights.safetensors': writeSafetensors(tensors),
    },
  };
}

function heatName(head: number): string {
  return head === 0 ? 'heat' : `heat${head}`;
}

/** A black picture with squares of 8x8 cells filled. */
export function picture(squares: readonly { colour: Colour; x: number; y: number }[], scale = 1): ImageFrame {
  const side = 64 * scale;
  const data = new Uint8Array(side * side * 3);
  for (const { colour, x, y } of squares) {
    for (let row = y * 8 * scale; row < (y + 1) * 8 * scale; row++) {
      for (let column = x * 8 * scale; column < (x + 1) * 8 * scale; column++) {
        data[(row * side + column) * 3 + colours.indexOf(colour)] = 255;
      }
    }
  }
  return { data, width: side, height: side, channels: 3 };
}
