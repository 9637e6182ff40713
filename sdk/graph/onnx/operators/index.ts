// The table of converters: ONNX operator -> how it is written in operators of the graph; and why some operators have none.
import type { Converter } from '../node.js';
import { detection } from './detection.js';
import { elementwise } from './elementwise.js';
import { quantized } from './quantized.js';
import { resizes } from './resize.js';
import { shapes } from './shape.js';
import { statistics } from './statistics.js';
import { windows } from './windows.js';

/** Operators of the standard domain. What is not here is refused by name. */
export const converters: Readonly<Record<string, Converter>> = {
  ...elementwise,
  ...shapes,
  ...windows,
  ...statistics,
  ...resizes,
  ...quantized,
  ...detection,
};

const groups: readonly (readonly [reason: string, operators: string])[] = [
  ['control flow: what runs, or how often, depends on numbers of the frame', 'If Loop Scan'],
  ['sequences, optionals and maps are no tensors', 'SequenceConstruct SequenceEmpty SequenceAt SequenceInsert SequenceErase SequenceLength SequenceMap SplitToSequence ConcatFromSequence Optional OptionalGetElement OptionalHasElement'],
  ['the size of the result depends on numbers of the frame', 'NonZero Unique Compress'],
  ['recurrent layers are not part of detectors', 'RNN GRU LSTM'],
  ['text is not computed with', 'StringNormalizer TfIdfVectorizer RegexFullMatch StringConcat StringSplit'],
  ['training', 'Adagrad Adam Momentum Gradient NegativeLogLikelihoodLoss SoftmaxCrossEntropyLoss'],
  ['random numbers', 'Bernoulli RandomNormal RandomNormalLike RandomUniform RandomUniformLike Multinomial'],
  ['signals, not images', 'DFT STFT MelWeightMatrix BlackmanWindow HannWindow HammingWindow'],
  ['bits of integers', 'BitShift BitwiseAnd BitwiseOr BitwiseXor BitwiseNot'],
]; // prettier-ignore

/** Operator -> why it cannot be imported, for messages and the table in README.md. */
export const refused: ReadonlyMap<string, string> = new Map(
  groups.flatMap(([reason, operators]) => operators.split(' ').map((operator) => [operator, reason] as const)),
);
