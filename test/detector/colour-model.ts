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

/** Mean over cells of 8x8 pixels -> logits by colour; boxes are the cells: 0 to the left and top, 8 to the right and bottom. */
export function colourModel(): ModelFiles & {
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
  // Pixels come scaled to 0..1; each channel says its own colour and speaks against the two others.
  const weight = g.constant('weight', Float32Array.from([8, -8, -8, -8, 8, -8, -8, -8, 8]), [1, 1, 3, 3]);
  const bias = g.constant('bias', new Float32Array(3).fill(-fullLogit), [3]);
  const [heat] = g.add('conv2d', 'heat', [cells, weight, bias], conv);
  const zero = g.constant('zero', new Float32Array(12), [1, 1, 3, 4]);
  const sides = g.constant('sides', Float32Array.from([0, 0, 8, 8]), [4]);
  const [size] = g.add('conv2d', 'size', [cells, zero, sides], conv);
  g.output(heat);
  g.output(size);
  const { json, tensors } = writeGraphFile(g.build());
  return {
    manifest: {
      labelweave: 1,
      name: 'colours',
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
      heads: [
        {
          dataset: 'colours',
          labels: colours.map((name, i) => ({ id: i + 1, name })),
          decoder: { type: 'centernet', heatmap: 'heat', from: 'logit', size: 'size', stride: 8, window: 3 },
        },
      ],
      nms: null,
    },
    files: {
      'graph.json': new TextEncoder().encode(json) as Uint8Array<ArrayBuffer>,
      'weights.safetensors': writeSafetensors(tensors),
    },
  };
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
