// Which variant of a kernel is the fastest on an adapter: the questions lowerings ask, and the answers. Measuring is in measure.ts.
import type { Graph } from '../../ir/graph.js';

/** A choice that depends on the adapter, not on the result: which variant or tile serves a class of shapes. */
export interface TuneQuestion {
  /** Unique, stable from release to release (it is remembered): `conv2d_1x1/large`. */
  readonly key: string;
  /** Variants that work on every device; the first is what an unmeasured adapter gets. */
  readonly choices: readonly [string, ...string[]];
  /** Further variants, and the device feature each one needs (`subgroups`). */
  readonly extra?: readonly { readonly choice: string; readonly feature: string }[];
  /** A small graph (under 5 ms on an integrated GPU) whose time decides. Its inputs are fed with zeros. */
  graph(): Graph;
}

/** Answers by key of the question; a question without an answer takes its first choice: `tuning[key] ?? question.choices[0]`. */
export type Tuning = Readonly<Record<string, string>>;
