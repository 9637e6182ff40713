// Real detectors end to end: a COCO model and a VOC model over real images with ground truth in both label spaces. The truth is known: every VOC label has
// a COCO twin, six of them under another name.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { manifest as fastestdet } from '../../examples/models/fastestdet.mjs';
import { manifest as yoloCoco } from '../../examples/models/yolo-fastest-coco.mjs';
import { manifest as yoloVoc } from '../../examples/models/yolo-fastest-voc.mjs';
import type { Detections } from '../../sdk/detections/detections.js';
import type { ModelSource } from '../../sdk/graph/model.js';
import { addSynonyms, candidates, type CandidateOptions, type Firings, fireDetectors, type FiringDetector, type FiringImage, readCocoTruths, solve } from '../../sdk/learn/index.js'; // prettier-ignore
import { loadDetector } from '../../sdk/load.js';
import { buildCenternet } from '../../sdk/models/centernet-mbv3/recipe.js';
import { coco } from '../../sdk/taxonomy/catalog/coco.js';
import { lvisV1 } from '../../sdk/taxonomy/catalog/lvis-v1.js';
import { voc } from '../../sdk/taxonomy/catalog/voc.js';
import { hasSharedData, noSharedData, sharedData } from '../shared-data.js';

const otherNames: Readonly<Record<string, string>> = {
  aeroplane: 'airplane',
  diningtable: 'dining table',
  motorbike: 'motorcycle',
  pottedplant: 'potted plant',
  sofa: 'couch',
  tvmonitor: 'tv',
};
/** COCO position of the twin of each VOC label. */
const twins = voc.labels.map(({ name }) => coco.byName(otherNames[name] ?? name).index);
const sets = [
  { folder: 'coco-val80', space: coco, offset: 0 },
  { folder: 'coco-train128', space: coco, offset: 2 ** 40 },
  { folder: 'voc-100', space: voc, offset: 0 },
];

describe.skipIf(!hasSharedData)(`real detectors${hasSharedData ? '' : ` (${noSharedData})`}`, () => {
  let folder: string;
  let images: FiringImage<string>[];
  /** What the VOC model says, by image: it is asked once for all pairs. */
  const vocAnswers = new Map<string, ReadonlyMap<string, Detections>>();

  const load = async (source: ModelSource, answers?: typeof vocAnswers): Promise<FiringDetector<string> & Disposable> => {
    const detector = await loadDetector(source, { device: 'wasm', threads: 1 });
    return {
      datasets: detector.datasets,
      async detectPerDataset(image, options) {
        const known = answers?.get(image) ?? (await detector.detectPerDataset(image, options));
        answers?.set(image, known);
        return known;
      },
      [Symbol.dispose]: () => detector.dispose(),
    };
  };
  const ofShared = (manifest: { graph: { file: string } }): ModelSource => ({
    manifest,
    files: { [manifest.graph.file]: sharedData(`models/${manifest.graph.file}`) },
  });
  const fire = async (model: ModelSource): Promise<Firings> => {
    using first = await load(model);
    using second = await load(ofShared(yoloVoc), vocAnswers);
    return await fireDetectors([first, second], images);
  };
  /** VOC labels whose merge is right, wrong, or not there. */
  const learn = async (
    firings: Firings,
    options: CandidateOptions,
  ): Promise<{ right: string[]; wrong: string[]; none: string[] }> => {
    const found = await candidates(firings, { loss: 'stand-in', resamples: 0, ...options });
    const labels = firings.spaces.flatMap(({ name, labels }) =>
      labels.map((label) => ({ dataset: name, id: label.id, name: label.name })),
    );
    const { merges } = await solve(found.columns, { labels, lambda: 0.5 });
    const [c, v] = ['coco', 'voc'].map((name) => firings.starts[firings.spaces.findIndex((space) => space.name === name)]!);
    const partner = new Map(merges.map((members) => [Math.max(...members) - v!, Math.min(...members) - c!]));
    const names = (keep: (k: number) => boolean): string[] =>
      voc.labels
        .filter(({ index }) => keep(index))
        .map(({ index, name }) => {
          const other = partner.get(index);
          return other === undefined ? name : `${name} = ${coco.at(other).name}`;
        });
    return {
      right: names((k) => partner.get(k) === twins[k]),
      wrong: names((k) => partner.has(k) && partner.get(k) !== twins[k]),
      none: names((k) => !partner.has(k)),
    };
  };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'labelweave-learn-'));
    await buildCenternet(join(folder, 'centernet'));
    images = [];
    for (const { folder: name, space, offset } of sets) {
      const file = sharedData(`${name}/instances.json`);
      const json = JSON.parse(await readFile(file, 'utf8')) as { images: { id: number; file_name: string }[] };
      const names = new Map(json.images.map((image) => [image.id, sharedData(`${name}/images/${image.file_name}`)]));
      for (const { id, truths } of (await readCocoTruths(file, { labels: space })).images) {
        images.push({ dataset: space.name, id: id + offset, image: names.get(id)!, name: names.get(id)!, truths });
      }
    }
  }, 60_000);
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it.each([
    { name: 'the default CenterNet', model: () => join(folder, 'centernet'), vision: 18 },
    { name: 'YOLO-Fastest', model: () => ofShared(yoloCoco), vision: 16 },
    { name: 'FastestDet', model: () => ofShared(fastestdet), vision: 16 },
  ])(
    '$name and a VOC model: at least $vision of 20 by vision alone and none wrong, all with names',
    async ({ model, vision }) => {
      const firings = await fire(model());
      const alone = await learn(firings, {});
      expect(alone.wrong).toEqual([]);
      expect(alone.right.length).toBeGreaterThanOrEqual(vision);
      const named = await learn(
        { ...firings, spaces: firings.spaces.map((space) => addSynonyms(space, lvisV1)) },
        { names: 'synonyms' },
      );
      expect(named.wrong).toEqual([]);
      expect(named.none).toEqual([]);
    },
    300_000,
  );
});
