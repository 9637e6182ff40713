// The reader of training checkpoints: what is written comes back to the same bits, and broken bytes are refused by name.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LabelweaveError } from '../../sdk/errors.js';
import { labelSpace } from '../../sdk/taxonomy/label-space.js';
import { readState, storedWeights, type TrainState, writeState } from '../../sdk/train/head-checkpoint.js';

const state: TrainState<{ epoch: number }> = {
  run: 'abc',
  step: 7,
  sampler: [1, 2, 3, 0xffffffff],
  random: [4, 5, 6, 7],
  losses: [0.1, 1 / 3],
  history: [{ epoch: 1 }],
  best: { epoch: 1, ap50: 0.25, ap: 0.125 },
  weights: { 'a/weight': Float32Array.of(1, -0, 1e-45), 'a/bias': Float32Array.of(2) },
  bestWeights: { 'a/weight': Float32Array.of(3, 4, 5), 'a/bias': Float32Array.of(6) },
  optimizer: {
    kind: 'adamw',
    step: 7,
    moments: {
      'a/weight': [Float32Array.of(1, 2, 3), Float32Array.of(4, 5, 6)],
      'a/bias': [Float32Array.of(7), Float32Array.of(8)],
    },
  },
};

describe('a checkpoint', () => {
  it('comes back as it was', () => {
    expect(readState(writeState(state), 'abc')).toEqual({ ...state, format: 1 });
  });

  it('of another run is refused', () => {
    expect(() => readState(writeState(state), 'abd')).toThrow('checkpoint: found one of another run');
  });

  it('gives a head its weights, and says which are missing', () => {
    const labels = labelSpace('a', ['x']);
    const classifier = { kind: 'linear' } as const;
    expect(storedWeights(state, { labels, classifier, spec: { labels } })).toEqual({
      weight: state.weights['a/weight'],
      bias: state.weights['a/bias'],
    });
    expect(() => storedWeights(state, { labels, classifier, spec: { labels, boxes: 'corrected' } })).toThrow(
      'checkpoint: found no a/boxWeight; wanted the weights of every head. It is damaged: train without resume.',
    );
  });

  it('that is cut off or changed is read or refused by name', () => {
    const whole = writeState(state);
    const change = fc.tuple(fc.nat(whole.length - 1), fc.nat(255), fc.nat(whole.length));
    fc.assert(
      fc.property(change, ([at, value, length]) => {
        const bytes = whole.slice(0, length);
        if (at < length) bytes[at] = value;
        try {
          readState(bytes, 'abc');
        } catch (error) {
          expect(error).toBeInstanceOf(LabelweaveError);
        }
      }),
    );
  });
});
