// Text embeddings as a caller gives them: the labels they stand for and one vector for each. Heads with an `embeddings` classifier score these.
import { ArgumentError, describe } from '../errors.js';
import { labelSpace, type LabelInput, type LabelSpace } from '../taxonomy/label-space.js';
import type { LabelEmbeddings } from './contract.js';

/** Labels with their text embeddings, for models whose heads compare features with text (ScaleDet, DaTaSeg, open vocabularies). */
export interface TextEmbeddings {
  /** Name of the label space. Default `text`. */
  name?: string;
  /** The labels, in the order of the vectors. */
  labels: LabelSpace | readonly (string | LabelInput)[];
  /** Float32 [K, D], row-major, one row a label, by the text encoder that the model was trained with. Rows need not be normalised. */
  vectors: Float32Array;
  /** Float32 [D]: "no object", where the model was trained with one. */
  background?: Float32Array;
}

/** The label space of embeddings and their table. Throws ArgumentError where vectors and labels do not fit, LabelSpaceError for bad labels. */
export function readEmbeddings({ name = 'text', labels, vectors, background }: TextEmbeddings): {
  space: LabelSpace;
  table: LabelEmbeddings;
} {
  const space = Array.isArray(labels) ? labelSpace(name, labels as readonly LabelInput[]) : (labels as LabelSpace);
  if (!(vectors instanceof Float32Array) || vectors.length === 0 || vectors.length % space.size !== 0) {
    throw new ArgumentError({
      thing: 'embeddings.vectors',
      found: vectors instanceof Float32Array ? `${vectors.length} numbers` : describe(vectors),
      wanted: `a Float32Array [${space.size}, D], one row for each label`,
    });
  }
  return { space, table: { data: vectors, dimensions: vectors.length / space.size, background } };
}

/** Whether the scores of a decoder are made of text embeddings. */
export function takesEmbeddings(decoder: object): boolean {
  return 'embeddings' in decoder;
}
