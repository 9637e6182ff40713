// `labelweave firings` on real models and images: what it writes can be read, learnt from, and wrong use is told before anything runs.
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { manifest as yoloCoco } from '../../examples/models/yolo-fastest-coco.mjs';
import { manifest as yoloVoc } from '../../examples/models/yolo-fastest-voc.mjs';
import { UsageError } from '../../sdk/cli/exit.js';
import { firingsCommand } from '../../sdk/cli/firings.js';
import { readFirings } from '../../sdk/learn/index.js';
import { hasSharedData, noSharedData, sharedData } from '../shared-data.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'labelweave-firings-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('labelweave firings', () => {
  it.each<[Record<string, unknown>, RegExp]>([
    [{}, /no --output/],
    [{ output: 'x' }, /no --model/],
    [{ output: 'x', model: 'm' }, /0 --images and 0 --gt/],
    [{ output: 'x', model: 'm', images: ['a', 'b'], gt: 'g' }, /2 --images and 1 --gt/],
    [{ output: 'x', model: 'm', images: 'a', gt: 'g', threshold: 2 }, /--threshold/],
    [{ output: 'x', model: 'm', images: 'a', gt: 'g', match: 0 }, /--match/],
  ])('refuses %o', async (options, message) => {
    await expect(firingsCommand(options)).rejects.toThrow(UsageError);
    await expect(firingsCommand(options)).rejects.toThrow(message);
  });

  describe.skipIf(!hasSharedData)(`with real models${hasSharedData ? '' : ` (${noSharedData})`}`, () => {
    /** The first images of a data set, with their ground truth. */
    const shorten = (name: string, count: number): string => {
      const json = JSON.parse(readFileSync(sharedData(`${name}/instances.json`), 'utf8'));
      const images = json.images.slice(0, count);
      const ids = new Set(images.map(({ id }: { id: number }) => id));
      const file = join(folder, `${name}.json`);
      const annotations = json.annotations.filter((one: { image_id: number }) => ids.has(one.image_id));
      writeFileSync(file, JSON.stringify({ ...json, images, annotations }));
      return file;
    };
    let coco: string;
    let voc: string;
    const models: string[] = [];
    beforeAll(() => {
      coco = shorten('coco-val80', 3);
      voc = shorten('voc-100', 2);
      for (const manifest of [yoloCoco, yoloVoc]) {
        const place = join(folder, manifest.name);
        mkdirSync(place);
        writeFileSync(join(place, 'labelweave.json'), JSON.stringify(manifest));
        copyFileSync(sharedData(`models/${manifest.graph.file}`), join(place, manifest.graph.file));
        models.push(place);
      }
    });

    it('writes what both models say about the images of both data sets', async () => {
      vi.spyOn(process.stderr, 'write').mockReturnValue(true);
      const output = join(folder, 'both.firings');
      const images = [sharedData('coco-val80/images'), sharedData('voc-100/images')];
      const code = await firingsCommand({ model: models, images, gt: [coco, voc], output, device: 'wasm', quiet: true });
      expect(code).toBe(0);
      const firings = await readFirings(output);
      expect(firings.spaces.map(({ name, size }) => [name, size])).toEqual([
        ['coco', 80],
        ['voc', 20],
      ]);
      expect([...firings.imageDatasets]).toEqual([0, 0, 0, 1, 1]);
      expect(firings.scores.length).toBeGreaterThan(50);
      expect(new Set(firings.scoreLabels.map((c) => firings.datasetOf[c]!))).toEqual(new Set([0, 1]));
      expect(firings.imageNames!.every((name) => existsSync(name))).toBe(true);
      expect(firings.proposals!.length).toBe(firings.boxes.length / 4);
    }, 60_000);

    it('writes nothing where an image is missing, or the categories fit no model or several', async () => {
      vi.spyOn(process.stderr, 'write').mockReturnValue(true);
      const output = join(folder, 'none.firings');
      const common = { model: models, output, device: 'wasm', quiet: true };
      await expect(firingsCommand({ ...common, images: folder, gt: voc })).rejects.toThrow(/found no|no such file/);
      const odd = join(folder, 'odd.json');
      writeFileSync(odd, JSON.stringify({ images: [], annotations: [], categories: [{ id: 1, name: 'teapot' }] }));
      await expect(firingsCommand({ ...common, images: folder, gt: odd })).rejects.toThrow(/categories of none/);
      writeFileSync(odd, JSON.stringify({ images: [], annotations: [], categories: [{ id: 1, name: 'cat' }] }));
      await expect(firingsCommand({ ...common, images: folder, gt: odd })).rejects.toThrow(/coco and voc/);
      await expect(firingsCommand({ ...common, images: folder, gt: `lvis=${odd}` })).rejects.toThrow(/coco, voc/);
      expect(readdirSync(folder).filter((name) => name.includes('none.firings'))).toEqual([]);
    }, 60_000);
  });
});
