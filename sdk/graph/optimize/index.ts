// The optimiser: small passes in a fixed order, each of which keeps the results. Device-specific choices are left to the runtimes.
import type { Graph } from '../../ir/graph.js';
import { pruneTo } from '../outputs.js';
import { matchActivations } from './activation-patterns.js';
import { foldConstants } from './fold.js';
import { fuseActivations } from './fuse-activation.js';
import { fuseAffine } from './fuse-affine.js';
import { fuseGates } from './fuse-gate.js';
import { fusePads } from './fuse-pad.js';
import { fuseResiduals } from './fuse-residual.js';
import { removeIdentities } from './identities.js';
import { sinkActivations } from './sink-activation.js';

/** Passes in order. Patterns come before affine fusion, which would swallow the `+ 3` of a hard sigmoid into a bias. */
export const passes: readonly (readonly [name: string, pass: (graph: Graph) => Graph])[] = [
  ['fold constants', foldConstants],
  ['remove identities', removeIdentities],
  ['match activations', matchActivations],
  ['fuse pads', fusePads],
  ['fuse affine', fuseAffine],
  ['sink activations', sinkActivations],
  ['fuse activations', fuseActivations],
  ['fuse residuals', fuseResiduals],
  ['fuse activations', fuseActivations],
  ['fuse gates', fuseGates],
  ['remove identities', removeIdentities],
  ['fold constants', foldConstants],
];

export interface OptimizeOptions {
  /** Results to keep, any values of the graph. Default: the graph's own. */
  outputs?: readonly string[] | undefined;
  /** Leaves constants that nodes with other operands read as they are: batch normalisation stays a node of its own. Default false. */
  keepWeights?: boolean | undefined;
}

/** A graph with the same results and less work. Names and order of inputs and outputs stay. The graph given is not changed. */
export function optimizeGraph(graph: Graph, { outputs, keepWeights }: OptimizeOptions = {}): Graph {
  const names = outputs ?? graph.outputs.map((id) => graph.values[id]!.name);
  return passes.reduce(
    (current, [, pass]) => (keepWeights && pass === fuseAffine ? current : pass(current)),
    pruneTo(graph, names),
  );
}
