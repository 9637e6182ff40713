// `labelweave taxonomy merge`: a taxonomy of several label spaces by equal names, or by vectors that point the same way.
import type { LabelSpace } from 'labelweave';
import { writeBytes } from 'labelweave/node';
import { writeTaxonomy } from 'labelweave/taxonomy/file';
import { mergeByEmbedding, mergeByName, type MergeResult, nameLevels, type NotMerged } from 'labelweave/taxonomy/merge';
import { exitCodes, numberOption, textOption, UsageError, wordOption } from './exit.js';
import { checkNames, pairsOption, readSpace, readVectorFile } from './label-files.js';
import { describeTaxonomy } from './taxonomy-convert.js';

/** Lines of what was not merged that are shown unless all are asked for. */
const shown = 10;

/** Label spaces in, a taxonomy file out; on stderr, what looks the same and was still not merged. */
export async function mergeCommand(files: readonly string[], options: Readonly<Record<string, unknown>>): Promise<number> {
  if (files.length < 2) throw new UsageError(`taxonomy merge: found ${files.length} label spaces; wanted two or more`);
  const by = wordOption('by', options['by'] ?? 'normalised', [...nameLevels, 'embedding'] as const);
  const threshold = numberOption('threshold', options['threshold'] ?? 0.95, 'a cosine from -1 to 1', (n) => n >= -1 && n <= 1);
  const name = textOption('name', options['name']);
  const output = textOption('output', options['output']);
  const vectors = pairsOption('vectors', options['vectors']);
  if (by !== 'embedding' && (vectors.length > 0 || options['threshold'] !== undefined))
    throw new UsageError(`--${vectors.length ? 'vectors' : 'threshold'}: found --by ${by}; wanted --by embedding`);
  const spaces = await Promise.all(files.map(namedSpace));
  const named = name === undefined ? {} : { name };
  const { taxonomy, notMerged } =
    by === 'embedding'
      ? await byEmbedding(spaces, vectors, { threshold, ...named })
      : mergeByName(spaces, { level: by, ...named });
  const text = writeTaxonomy(taxonomy);
  if (output === undefined) process.stdout.write(text);
  else await writeBytes(output, new TextEncoder().encode(text));
  report(taxonomy, notMerged, options['verbose'] === true);
  return exitCodes.ok.code;
}

/** `coco`, `labels.json`, or `name=labels.json`. */
function namedSpace(text: string): Promise<LabelSpace> {
  const found = /^([^=/\\]+)=(.+)$/su.exec(text);
  return found ? readSpace(found[2]!, { name: found[1]! }) : readSpace(text);
}

async function byEmbedding(
  spaces: readonly LabelSpace[],
  files: readonly (readonly [name: string, file: string])[],
  options: Parameters<typeof mergeByEmbedding>[1],
): Promise<MergeResult> {
  checkNames('vectors', files, spaces);
  const embedded = spaces.map(async (space) => {
    const [, place] = files.find(([name]) => name === space.name) ?? [];
    if (place === undefined) throw new UsageError(`--vectors: found none of ${space.name}; wanted ${space.name}=FILE`);
    return readVectorFile(space, place);
  });
  return mergeByEmbedding(await Promise.all(embedded), options);
}

function report(taxonomy: MergeResult['taxonomy'], notMerged: readonly NotMerged[], all: boolean): void {
  const write = (line: string): void => void process.stderr.write(`${line}\n`);
  write(describeTaxonomy(taxonomy));
  const names = (labels: NotMerged['labels']): string =>
    labels
      .map(({ dataset, id }) => `${JSON.stringify(taxonomy.unified.dataset(dataset).byId(id).name)} (${dataset} ${id})`)
      .join(', ');
  for (const { why, labels, note } of all ? notMerged : notMerged.slice(0, shown))
    write(`not merged, ${why}: ${names(labels)}: ${note}`);
  if (!all && notMerged.length > shown) write(`... and ${notMerged.length - shown} more (--verbose shows all)`);
}
