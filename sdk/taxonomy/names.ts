// How two spellings of a name are compared: normalised keys, simple English plurals, edit distance, and the close names of an error.

/**
 * A key under which spellings that differ only in case, accents of composition, spaces, underscores, hyphens, dots or slashes are equal:
 * `Dining_Table`, `dining-table` and `diningtable` all give `diningtable`. May be empty (a name of punctuation only).
 */
export function normaliseName(name: string): string {
  return name
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[\s_\-‐-―./]+/gu, '');
}

/** Singular forms that a normalised key may be the English plural of: `buses` gives `bus` and `buse`; `knives` gives `knive`, `knif`, `knife`. */
export function singularKeys(key: string): string[] {
  const keys: string[] = [];
  if (key.length < 3 || !key.endsWith('s') || key.endsWith('ss')) return keys;
  keys.push(key.slice(0, -1));
  if (/(?:s|x|z|ch|sh|o)es$/u.test(key)) keys.push(key.slice(0, -2));
  if (key.endsWith('ies')) keys.push(`${key.slice(0, -3)}y`);
  if (key.endsWith('ves')) keys.push(`${key.slice(0, -3)}f`, `${key.slice(0, -3)}fe`);
  return keys;
}

/**
 * Optimal string alignment distance: the fewest insertions, deletions, substitutions and swaps of neighbours, no part edited twice.
 * Stops early and gives `limit + 1` where the distance is larger than `limit`.
 */
export function editDistance(a: string, b: string, limit: number = Number.POSITIVE_INFINITY): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1;
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    let best = i;
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let cost = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) cost = Math.min(cost, beforeLast[j - 2]! + 1);
      row.push(cost);
      if (cost < best) best = cost;
    }
    if (best > limit) return limit + 1;
    beforeLast = last;
    last = row;
  }
  return Math.min(last[b.length]!, limit + 1);
}

/**
 * Up to `count` of `names` that someone who wrote `wanted` may have meant, best first: equal but for spelling, then few edits (at most a third of
 * the length), then names that contain it or are contained in it as whole words. Ties stay in the order of `names`.
 */
export function closeNames(wanted: string, names: Iterable<string>, count = 4): string[] {
  const key = normaliseName(wanted);
  if (!key || key.length > 100) return [];
  const limit = Math.max(1, Math.floor(key.length / 3));
  const words = new Set(wordsOf(wanted));
  const scored: { name: string; distance: number }[] = [];
  for (const name of new Set(names)) {
    const other = normaliseName(name);
    if (!other || other.length > 200) continue;
    let distance = editDistance(key, other, limit);
    if (singularKeys(key).includes(other) || singularKeys(other).includes(key)) distance = 0;
    if (distance > limit) {
      if (!wordsOf(name).some((word) => words.has(word))) continue;
      distance = limit + 1;
    }
    scored.push({ name, distance });
  }
  return scored
    .sort((a, b) => a.distance - b.distance)
    .slice(0, count)
    .map(({ name }) => name);
}

/** `Did you mean "a", "b" or "c"?`, or nothing where no name is close. */
export function didYouMean(wanted: string, names: Iterable<string>): string | undefined {
  const close = closeNames(wanted, names).map((name) => JSON.stringify(name));
  if (!close.length) return undefined;
  return `Did you mean ${close.length > 1 ? `${close.slice(0, -1).join(', ')} or ${close[close.length - 1]}` : close[0]}?`;
}

/** The words of a name that say something: three letters or more, singular. */
function wordsOf(name: string): string[] {
  const words = name
    .normalize('NFKC')
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u);
  return words.filter((word) => word.length > 2).map((word) => singularKeys(word)[0] ?? word);
}
