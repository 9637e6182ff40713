// Every image once before the first step: its features, the rows that heads learn from, and the moments that heads start from. An image that cannot be read
// ends a training here, not in its middle.
import { toFrame } from '../image/frame.js';
import { openTrainImage, type ReadDataset } from './head-data.js';
import type { FeatureBank, ImageFeatures } from './head-network.js';
import type { HeadPlan } from './head-plan.js';
import { imageRows, type ImageRows } from './head-rows.js';
import { Moments } from './head-start.js';
import type { TrainKernels } from './kernels.js';
import { seededRandom } from './random.js';

/** Features of the images of a training. */
export class ImagePasses {
  readonly #plan: HeadPlan;
  readonly #bank: FeatureBank;
  readonly #signal: AbortSignal | undefined;

  constructor(plan: HeadPlan, bank: FeatureBank, signal: AbortSignal | undefined) {
    this.#plan = plan;
    this.#bank = bank;
    this.#signal = signal;
  }

  /** Images of all passes. */
  get total(): number {
    const { datasets, evaluation, flip } = this.#plan;
    const count = (list: readonly ReadDataset[]): number => list.reduce((sum, { images }) => sum + images.length, 0);
    return count(datasets) * (flip ? 2 : 1) + count(evaluation);
  }

  /** Features of an image that heads are evaluated on, which are kept in memory. */
  evaluated(read: ReadDataset, image: number): Promise<ImageFeatures> {
    return this.#get('evaluation', read, image, { keep: true });
  }

  /** Goes through all images. @param counted called after each */
  async collect(kernels: TrainKernels, counted: () => void): Promise<CollectedRows> {
    const { backbone, datasets, evaluation, heads, flip, seed, negatives } = this.#plan;
    const moments = new Moments(backbone.features.shape[3]!, heads.map(({ labels }) => labels.size), kernels); // prettier-ignore
    const random = seededRandom(seed + 0xce115);
    const used = [...new Set(heads.map(({ kernel }) => kernel))];
    const rows = new Map<string, SeenImage[]>();
    for (const read of datasets) {
      const targets = heads.map((head) => head.targets.get(read.dataset.name));
      const seen: SeenImage[] = [];
      for (const [image, { boxes }] of read.images.entries()) {
        const pass = async (flipped: boolean): Promise<ImageRows> => {
          const features = await this.#get('training', read, image, { flipped });
          const own = imageRows(backbone, features, { boxes, flipped, kernels: used, targets, negatives, random });
          moments.add(backbone, features, own);
          counted();
          return own;
        };
        seen.push({ plain: await pass(false), flipped: flip ? await pass(true) : undefined });
      }
      rows.set(read.dataset.name, seen);
    }
    for (const read of evaluation) {
      for (const image of read.images.keys()) {
        await this.evaluated(read, image);
        counted();
      }
    }
    return { rows, moments };
  }

  #get(part: string, read: ReadDataset, image: number, how: { flipped?: boolean; keep?: boolean }): Promise<ImageFeatures> {
    const one = read.images[image]!;
    const open = async () => toFrame(await openTrainImage(read, one), { signal: this.#signal });
    return this.#bank.get(`${part}/${read.dataset.name}/${typeof one.id} ${one.id}`, how, open, this.#signal);
  }
}

/** The rows of an image, and of its mirror image where half of the draws are mirrored. */
export interface SeenImage {
  readonly plain: ImageRows;
  readonly flipped: ImageRows | undefined;
}

/** What {@link ImagePasses} collects. */
export interface CollectedRows {
  /** By name of the data set, in the order of its images. */
  readonly rows: ReadonlyMap<string, readonly SeenImage[]>;
  readonly moments: Moments;
}
