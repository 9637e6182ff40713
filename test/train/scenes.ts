// Generated street scenes for tests and measurements of label conflicts: seeded maps of what is where, data sets that name it in their own labels, and
// features of pixels with noise and a shift that is each data set's own.
import { labelSpace, type LabelSpace } from '../../sdk/taxonomy/label-space.js';
import { type Random, seededRandom } from '../../sdk/train/index.js';

/** Sides of a scene in pixels. */
export const [H, W] = [24, 32];
/** Features of a pixel: its own colours, then the mean colours around it. */
export const F = 24;
const colours = F / 2;

/** What can be in a scene, and what its look is made of: things with parts in common look alike. */
const looks = {
  road: { tarmac: 1 },
  'lane marking': { tarmac: 1, white: 0.8 },
  crosswalk: { tarmac: 1, white: 0.6, stripes: 0.6 },
  sidewalk: { tarmac: 0.6, stone: 0.8 },
  building: { wall: 1.2 },
  vegetation: { leaves: 1.2 },
  sky: { blue: 1.2 },
  car: { metal: 1, low: 0.6 },
  truck: { metal: 1, tall: 0.6, box: 0.6 },
  bus: { metal: 1, tall: 0.6, windows: 0.6 },
  person: { human: 1 },
  motorcyclist: { human: 1, seated: 0.6, helmet: 0.6 },
  bicyclist: { human: 1, seated: 0.6, jersey: 0.6 },
  motorcycle: { wheels: 1, engine: 0.6 },
  bicycle: { wheels: 1, frame: 0.6 },
} as const satisfies Record<string, Record<string, number>>;

/** A thing, the finest there is to tell apart. */
export type Thing = keyof typeof looks;
/** All of them; scenes hold their numbers. */
export const things = Object.keys(looks) as Thing[];
const numberOf = Object.fromEntries(things.map((thing, i) => [thing, i])) as Record<Thing, number>;

/** Groups of things for which a data set may have one label. */
const groups = {
  road: ['road', 'lane marking', 'crosswalk'],
  rider: ['motorcyclist', 'bicyclist'],
  'large vehicle': ['truck', 'bus'],
} as const satisfies Record<string, readonly Thing[]>;

/** A group whose things the two data sets name differently. */
export type Conflict = keyof typeof groups;
/** All of them. */
export const conflicts = Object.keys(groups) as Conflict[];

/** A label space over things. */
export interface Labelling {
  readonly space: LabelSpace;
  /** [things] label of each thing. */
  readonly labelOf: Int32Array;
}

/** Labels in which these groups are one label each, and every other thing is its own. */
export function labelling(name: string, joined: readonly Conflict[]): Labelling {
  const names = things.map((thing) => joined.find((group) => (groups[group] as readonly Thing[]).includes(thing)) ?? thing);
  const space = labelSpace(name, [...new Set<string>(names)]);
  return { space, labelOf: Int32Array.from(names, (label) => space.names.indexOf(label)) };
}

/**
 * Labels of data sets that differ in the given groups and join the others: the first and the third have `rider` and `road`, which the second tells
 * apart, and tell apart the large vehicles, which are one label of the second.
 */
export function conflictingLabels(differing: readonly Conflict[]): readonly [Labelling, Labelling, Labelling] {
  const apart = (own: readonly Conflict[]) => conflicts.filter((group) => !(differing.includes(group) && own.includes(group)));
  const [coarse, fine] = [apart(['large vehicle']), apart(['road', 'rider'])];
  return [labelling('first', coarse), labelling('second', fine), labelling('third', coarse)];
}

/** The subset relations that differing groups plant: from the part to the whole, in words of unified labels. */
export function plantedRelations(differing: readonly Conflict[]): { readonly part: string; readonly whole: string }[] {
  return differing.flatMap((whole) => groups[whole].filter((part) => part !== whole).map((part) => ({ part, whole })));
}

/** How a set of scenes looks and what is frequent in it. */
export interface Domain {
  /** [colours, colours] what becomes of colours. */
  readonly mix: Float64Array;
  /** [colours] added to all. */
  readonly offset: Float64Array;
  /** Standard deviation of a pixel's noise. */
  readonly noise: number;
  /** How often each thing that can be left out stands in a scene. */
  readonly often: Readonly<Partial<Record<Thing, number>>>;
}

/** A world: how things look, the same in all its data sets. */
export interface World {
  /** A domain with a shift of its own: 0 for none. */
  domain(options: { readonly shift: number; readonly noise: number }): Domain;
  /** A scene of a domain: [H, W] things and [H W, F] features. */
  scene(domain: Domain): Scene;
}

/** One image. */
export interface Scene {
  /** [H W] number of the thing at each pixel. */
  readonly map: Uint8Array;
  /** [H W, F] */
  readonly features: Float32Array;
}

/** Two normal numbers at a time would do; one is plainer. */
const normal = (random: Random): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());

/** Makes a world from a seed. */
export function world(seed: number): World {
  const random = seededRandom(seed);
  const vector = (size: number) => Float64Array.from({ length: colours }, () => (size * normal(random)) / Math.sqrt(colours));
  const parts = new Map<string, Float64Array>();
  const prototypes = things.map((thing) => {
    const look = new Float64Array(colours);
    for (const [part, share] of Object.entries(looks[thing])) {
      const direction = parts.get(part) ?? parts.set(part, vector(1)).get(part)!;
      for (let c = 0; c < colours; c++) look[c]! += share * direction[c]!;
    }
    return look;
  });
  return {
    domain: ({ shift, noise }) => {
      const mix = Float64Array.from({ length: colours ** 2 }, (_, i) => {
        const drawn = (0.5 * shift * normal(random)) / Math.sqrt(colours);
        return i % (colours + 1) === 0 ? 1 + drawn : drawn;
      });
      const between = (low: number, high: number) => low + (high - low) * random();
      const often = Object.fromEntries(
        ['crosswalk', 'car', 'truck', 'bus', 'person', 'motorcyclist', 'bicyclist', 'bicycle', 'motorcycle'].map((thing) => [
          thing,
          between(0.4, 0.9),
        ]),
      );
      return { mix, offset: vector(shift), noise, often };
    },
    scene(domain) {
      const { map, object } = layOut(domain, random);
      return { map, features: render(map, object, prototypes, domain, random) };
    },
  };
}

/** Sky over buildings and trees, a road with markings between sidewalks, and what stands on it, the farther the smaller. */
function layOut({ often }: Domain, random: Random): { map: Uint8Array; object: Uint8Array } {
  const map = new Uint8Array(H * W);
  // Pixels of one object share its variation.
  const object = new Uint8Array(H * W);
  let objects = 0;
  const whole = (low: number, high: number) => low + Math.floor((high - low + 1) * random());
  const fill = (thing: Thing, y0: number, y1: number, x0: number, x1: number, own = ++objects) => {
    for (let y = Math.max(0, y0); y < Math.min(H, y1); y++)
      for (let x = Math.max(0, x0); x < Math.min(W, x1); x++) {
        map[y * W + x] = numberOf[thing];
        object[y * W + x] = own;
      }
  };
  const horizon = whole(8, 10);
  fill('sky', 0, horizon, 0, W);
  for (let x = 0; x < W;) {
    const wide = whole(3, 8);
    fill(random() < 0.5 ? 'building' : 'vegetation', whole(2, horizon - 2), horizon, x, x + wide);
    x += wide;
  }
  const [walk, road, paint] = [++objects, ++objects, ++objects];
  const middle = whole(12, 20);
  for (let y = horizon; y < H; y++) {
    const half = 3 + Math.floor(((y - horizon) * 13) / (H - horizon));
    fill('sidewalk', y, y + 1, 0, W, walk);
    fill('road', y, y + 1, middle - half, middle + half, road);
    for (const at of [-half + 1, Math.floor(half / 3), half - 2])
      if (at !== Math.floor(half / 3) || y % 4 < 2) fill('lane marking', y, y + 1, middle + at, middle + at + 1, paint);
  }
  if (random() < often.crosswalk!) {
    const y = whole(horizon + 4, H - 5);
    const half = 2 + Math.floor(((y - horizon) * 13) / (H - horizon));
    for (let x = middle - half; x < middle + half; x += 3) fill('crosswalk', y, y + 3, x, x + 2, paint);
  }
  for (const thing of Object.keys(often) as Thing[]) {
    for (let i = 0; i < 2; i++) {
      if (thing === 'crosswalk' || random() >= often[thing]!) continue;
      const foot = whole(horizon + 3, H - 1);
      const size = 3 + Math.floor((5 * (foot - horizon)) / (H - horizon));
      const x = whole(0, W - 3);
      if (thing === 'car') fill(thing, foot - Math.ceil(size / 2), foot, x, x + size);
      else if (thing === 'truck' || thing === 'bus') fill(thing, foot - size, foot, x, x + size);
      else if (thing === 'person') fill(thing, foot - size, foot, x, x + 2);
      else if (thing === 'bicycle' || thing === 'motorcycle') fill(thing, foot - 3, foot, x, x + 4);
      else {
        // A rider sits on what is ridden.
        fill(thing === 'bicyclist' ? 'bicycle' : 'motorcycle', foot - 2, foot, x, x + 4);
        fill(thing, foot - size, foot - 2, x + 1, x + 3);
      }
    }
  }
  return { map, object };
}

function render(
  map: Uint8Array,
  object: Uint8Array,
  prototypes: readonly Float64Array[],
  domain: Domain,
  random: Random,
): Float32Array {
  const variation = new Map<number, Float64Array>();
  const light = 0.8 + 0.4 * random();
  const own = new Float32Array(H * W * colours);
  const look = new Float64Array(colours);
  for (let p = 0; p < H * W; p++) {
    const one = object[p]!;
    const change =
      variation.get(one) ??
      variation
        .set(
          one,
          Float64Array.from({ length: colours }, () => 0.12 * normal(random)),
        )
        .get(one)!;
    const prototype = prototypes[map[p]!]!;
    for (let c = 0; c < colours; c++) look[c] = light * (prototype[c]! + change[c]!);
    for (let c = 0; c < colours; c++) {
      let sum = domain.offset[c]! + domain.noise * normal(random);
      for (let k = 0; k < colours; k++) sum += domain.mix[c * colours + k]! * look[k]!;
      own[p * colours + c] = sum;
    }
  }
  const features = new Float32Array(H * W * F);
  const reach = 2;
  for (let y = 0; y < H; y++)
    for (let x = 0; x < W; x++) {
      const at = (y * W + x) * F;
      features.set(own.subarray((y * W + x) * colours, (y * W + x + 1) * colours), at);
      let count = 0;
      for (let v = Math.max(0, y - reach); v <= Math.min(H - 1, y + reach); v++)
        for (let u = Math.max(0, x - reach); u <= Math.min(W - 1, x + reach); u++) {
          count++;
          for (let c = 0; c < colours; c++) features[at + colours + c]! += own[(v * W + u) * colours + c]!;
        }
      for (let c = 0; c < colours; c++) features[at + colours + c]! /= count;
    }
  return features;
}
