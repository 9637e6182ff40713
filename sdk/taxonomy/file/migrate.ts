// Brings a taxonomy file of an older version up to the present one, a step a version. A step works on checked-for-nothing JSON: it may meet anything.
import { describe } from '../../errors.js';
import { type Problem, problem } from '../problems.js';
import { version } from './schema.js';

/** From version n to n + 1: changes nothing but what the versions differ in, and leaves what it does not understand. */
export type Migration = (json: Record<string, unknown>) => Record<string, unknown>;

/** By the version they start from. Version 1 is the first. */
const migrations: ReadonlyMap<number, Migration> = new Map();

/** The JSON in the present version, or the problem that there is no way there. The given value is not changed. */
export function migrate(
  json: unknown,
  steps: ReadonlyMap<number, Migration> = migrations,
  present: number = version,
): { json: unknown } | { problem: Problem } {
  // What is no object, or names no version, is for the schema to judge.
  if (typeof json !== 'object' || json === null || Array.isArray(json) || !('labelweaveTaxonomy' in json)) return { json };
  let current = json as Record<string, unknown>;
  const given = current['labelweaveTaxonomy'];
  for (let at = given; at !== present; at = (at as number) + 1) {
    const step = typeof at === 'number' ? steps.get(at) : undefined;
    if (!step) {
      const known = [...steps.keys(), present].sort((a, b) => a - b).join(', ');
      const newer = typeof given === 'number' && given > present;
      const next = newer ? 'The file was written by a newer labelweave: update this one.' : undefined;
      return { problem: problem('unknown-version', ['labelweaveTaxonomy'], `version ${describe(given)}`, known, next) };
    }
    current = { ...step(current), labelweaveTaxonomy: (at as number) + 1 };
  }
  return { json: current };
}
