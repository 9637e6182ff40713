// The command line on the installed package: results on stdout, everything for people on stderr, documented exit codes, files whole or not at all.
import { spawn } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { npy, run, type Outcome } from './run.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const consumer = inject('consumer');
const main = join(consumer, 'node_modules/labelweave/dist/cli/main.js');
let folder: string;
let photo: string;

const labelweave = (...args: string[]): Promise<Outcome> => run(process.execPath, [main, ...args], { cwd: folder });

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'labelweave-cli-'));
  photo = join(folder, 'photo 000000000042.jpg');
  copyFileSync(join(root, 'node_modules/startbootstrap-business-casual/dist/assets/img/products-01.jpg'), photo);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('detect', () => {
  it('prints a table of labels, scores and boxes, and nothing else', async () => {
    const { code, stdout, stderr } = await labelweave('detect', photo);
    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect(stdout).toMatch(/ {2}label +score +x1 +y1 +x2 +y2\n/);
    expect(stdout).toMatch(/^ {2}cup +0\.\d{3}( +-?\d+\.\d){4}$/m);
  });

  it('--format json is JSON in the label space asked for', async () => {
    writeFileSync(
      join(folder, 'mine.json'),
      JSON.stringify({ labels: { drink: ['cup', 'bowl', 'bottle'], seat: ['chair', 'couch'] } }),
    );
    const { code, stdout } = await labelweave('detect', photo, '--labels', 'mine.json', '--format', 'json');
    expect(code).toBe(0);
    const json = JSON.parse(stdout);
    expect(json).toMatchObject({ labelweave: 1, model: 'centernet-mbv3', device: 'wasm' });
    const [image] = json.images;
    expect(image.file).toBe(photo);
    for (const row of image.detections) expect(row).toMatchObject({ label: 'drink', labelId: 0, score: expect.any(Number) });
    expect(image.detections.length).toBeGreaterThan(0);
    expect(json.labels.labels).toEqual(['drink', 'seat']);
  });

  it('--labels takes names of the catalogue and text files', async () => {
    const voc = await labelweave('detect', photo, '--labels', 'voc', '--threshold', '0.2');
    expect(voc.code).toBe(0);
    expect(voc.stdout).toMatch(/diningtable/);
    expect(voc.stdout).not.toMatch(/cup/);
    writeFileSync(join(folder, 'two.txt'), 'bowl\ncup\n');
    const two = await labelweave('detect', photo, '--labels', 'two.txt');
    expect(two.stdout).toMatch(/cup/);
    expect(two.stdout).not.toMatch(/table/);
  });

  it('--labels takes a taxonomy file: unified labels over several data sets', async () => {
    const merged = await labelweave('taxonomy', 'merge', 'coco', 'voc', '--by', 'synonyms', '-o', 'unified.json');
    expect(merged.code, merged.stderr).toBe(0);
    const { code, stdout } = await labelweave('detect', photo, '--labels', 'unified.json', '--threshold', '0.2');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^ {2}cup +0/m);
  });

  it('--format coco with --gt takes image and category ids from the annotations', async () => {
    const annotations = {
      images: [{ id: 7, file_name: 'some/folder/photo 000000000042.jpg', width: 1, height: 1 }],
      categories: [
        { id: 900, name: 'cup' },
        { id: 901, name: 'bowl' },
      ],
      annotations: [],
    };
    writeFileSync(join(folder, 'gt.json'), JSON.stringify(annotations));
    const { code, stdout, stderr } = await labelweave(
      'detect',
      photo,
      '--format',
      'coco',
      '--gt',
      'gt.json',
      '--json',
      'results.json',
    );
    expect(code).toBe(0);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/left out, for want of a category of that name in gt\.json: person, /);
    expect(stderr).toMatch(/wrote results\.json: \d+ detections in 1 image/);
    const rows = JSON.parse(readFileSync(join(folder, 'results.json'), 'utf8'));
    expect(rows.length).toBeGreaterThan(0);
    for (const row of rows) {
      expect(row).toMatchObject({ image_id: 7, category_id: expect.any(Number), score: expect.any(Number) });
      expect([900, 901]).toContain(row.category_id);
      expect(row.bbox).toHaveLength(4);
    }
    const [x, y, width, height] = rows.find((row: { category_id: number }) => row.category_id === 900).bbox;
    expect(x).toBeGreaterThanOrEqual(0);
    expect(y).toBeGreaterThanOrEqual(0);
    expect(width).toBeGreaterThan(50);
    expect(height).toBeGreaterThan(50);
  });

  it('--format coco without --gt: the number in the file name and the label’s own id', async () => {
    const { stdout } = await labelweave('detect', photo, '--format', 'coco');
    const rows = JSON.parse(stdout);
    expect(rows.every((row: { image_id: number }) => row.image_id === 42)).toBe(true);
    expect(rows.some((row: { category_id: number }) => row.category_id === 47)).toBe(true); // cup
  });

  it('--draw writes a PNG for each image, and never two of the same name', async () => {
    mkdirSync(join(folder, 'a'), { recursive: true });
    mkdirSync(join(folder, 'b'), { recursive: true });
    copyFileSync(photo, join(folder, 'a/same.jpg'));
    copyFileSync(photo, join(folder, 'b/same.jpg'));
    const { code } = await labelweave('detect', 'a', 'b', '--draw', 'drawn');
    expect(code).toBe(0);
    const names = readdirSync(join(folder, 'drawn')).sort();
    expect(names).toEqual(['same-2.png', 'same.png']);
    for (const name of names)
      expect(readFileSync(join(folder, 'drawn', name)).subarray(0, 8)).toEqual(Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'));
  });

  it('goes on behind a broken image, names it, and ends with code 1', async () => {
    writeFileSync(join(folder, 'broken.jpg'), 'not a picture');
    const { code, stdout, stderr } = await labelweave('detect', 'broken.jpg', photo);
    expect(code).toBe(1);
    expect(stderr).toMatch(/broken\.jpg: /);
    expect(stdout).toMatch(/cup/);
  });

  it.each([
    ['no images', [], /found no images/],
    ['a threshold of 2', ['x.jpg', '--threshold', '2'], /--threshold: found 2; wanted a number from 0 to 1/],
    ['a threshold that is no number', ['x.jpg', '--threshold', 'high'], /--threshold: found "high"/],
    ['an unknown format', ['x.jpg', '--format', 'xml'], /--format: found "xml"; wanted table, json or coco/],
    ['an unknown device', ['x.jpg', '--device', 'tpu'], /--device: found "tpu"/],
    ['no threads', ['x.jpg', '--threads', '0'], /--threads: found 0/],
    ['--gt without --format coco', ['x.jpg', '--gt', 'gt.json'], /--gt: found --format table/],
    ['an unknown option', ['x.jpg', '--colour', 'red'], /colour/i],
    ['labels that are no file', ['x.jpg', '--labels', 'none.json'], /--labels: could not read "none.json"/],
    ['an empty folder', ['.git-empty'], /folder without images/],
  ])('wrong usage, %s: code 2, nothing on stdout', async (_, args, message) => {
    mkdirSync(join(folder, '.git-empty'), { recursive: true });
    const { code, stdout, stderr } = await labelweave('detect', ...args);
    expect(stderr).toMatch(message);
    expect(stdout).toBe('');
    expect(code).toBe(2);
    expect(stderr).not.toMatch(/ {4}at /);
  });

  it.each([
    ['a model that is not there', ['--model', 'no/such/model'], /no\/such\/model/],
    ['a label that the model does not have', ['--labels', 'unknown.txt'], /"zebr".*zebra/s],
    ['a device that does not work', ['--device', 'webgpu'], /WebGPU/],
  ])('%s: code 3', async (_, args, message) => {
    writeFileSync(join(folder, 'unknown.txt'), 'zebr\n');
    const { code, stdout, stderr } = await labelweave('detect', photo, ...args);
    expect(stderr).toMatch(message);
    expect(stdout).toBe('');
    expect(code).toBe(3);
    expect(stderr).not.toMatch(/ {4}at /);
  });

  it('leaves no JSON file behind when it fails', async () => {
    await labelweave('detect', photo, '--model', 'no/such/model', '--format', 'json', '--json', 'never.json');
    expect(existsSync(join(folder, 'never.json'))).toBe(false);
  });
});

describe('devices and inspect', () => {
  it('devices says what works and why the rest does not', async () => {
    const { code, stdout } = await labelweave('devices', '--json');
    expect(code).toBe(0);
    const { auto, devices } = JSON.parse(stdout);
    expect(auto).toBe('wasm');
    expect(devices.map(({ kind, works }: { kind: string; works: boolean }) => [kind, works])).toEqual([
      ['webgpu', false],
      ['wasm', true],
      ['reference', true],
    ]);
    expect((await labelweave('devices')).stdout).toMatch(/^\* wasm +yes {2}wasm/m);
  });

  it('bench times frame and layers', async () => {
    const { code, stdout } = await labelweave('bench', '--device', 'wasm', '--frames', '2', '--json');
    expect(code).toBe(0);
    const facts = JSON.parse(stdout);
    expect(facts).toMatchObject({ model: 'centernet-mbv3', frames: 2, device: { used: 'wasm', notes: [] } });
    expect(facts.macs / 1e9).toBeCloseTo(1.295, 2);
    expect(facts.frameMs.median).toBeGreaterThan(0);
    // Shares of all layers make one; convolutions have arithmetic.
    expect(facts.layers.reduce((sum: number, { share }: { share: number }) => sum + share, 0)).toBeCloseTo(1, 6);
    const convolutions = facts.layers.filter(({ op }: { op: string }) => op === 'conv2d');
    expect(convolutions).toHaveLength(63);
    for (const { macs, gflops, bytes } of convolutions) expect(Math.min(macs, gflops, bytes)).toBeGreaterThan(0);
    expect((await labelweave('bench', '--device', 'wasm', '--frames', '1')).stdout).toMatch(
      /^op +layer +ms +share +MMAC +GFLOP\/s/m,
    );
    expect((await labelweave('bench', '--frames', '0')).code).toBe(2);
  });

  it('inspect --plan shows kernels and memory', async () => {
    const { code, stdout } = await labelweave('inspect', '--plan', '--json');
    expect(code).toBe(0);
    const { plan } = JSON.parse(stdout);
    expect(plan.device).toMatch(/^wasm/);
    expect(plan.steps[0]).toMatchObject({ op: 'image_to_tensor', shape: [1, 512, 512, 3], memory: { bytes: 512 * 512 * 3 * 4 } });
    for (const { memory } of plan.steps) expect(memory.offset + memory.bytes).toBeLessThanOrEqual(plan.memory.arena);
    expect((await labelweave('inspect', '--plan')).stdout).toMatch(/^plan on wasm.* nodes, .* kernels/m);
  });

  it('inspect says what is in the default model', async () => {
    const { code, stdout } = await labelweave('inspect', '--json');
    expect(code).toBe(0);
    const facts = JSON.parse(stdout);
    expect(facts).toMatchObject({ name: 'centernet-mbv3', license: 'MIT', input: { width: 512, height: 512 } });
    expect(facts.heads[0].labels).toHaveLength(80);
    // The figure that the field quotes for this network: 1.295 GMAC.
    expect(facts.macs / 1e9).toBeCloseTo(1.295, 2);
    expect((await labelweave('inspect', '--labels')).stdout).toMatch(/^ {4}90 {2}toothbrush$/m);
  });
});

describe('help', () => {
  it('lists commands, options with examples, and exit codes', async () => {
    const top = await labelweave('--help');
    expect(top.code).toBe(0);
    for (const command of ['detect', 'devices', 'inspect', 'taxonomy', 'evaluate'])
      expect(top.stdout).toMatch(new RegExp(`^ {2}${command} `, 'm'));
    expect(top.stdout).toMatch(/Exit codes/i);
    const detect = await labelweave('detect', '--help');
    for (const option of [
      '--model',
      '--labels',
      '--threshold',
      '--device',
      '--threads',
      '--json',
      '--draw',
      '--format',
      '--gt',
    ]) {
      expect(detect.stdout).toContain(option);
    }
    expect(detect.stdout).toMatch(/Examples/);
    expect((await labelweave('--version')).stdout).toMatch(/labelweave\/\d+\.\d+\.\d+/);
  });

  it.each([[[]], [['fly']]])('no command or an unknown one (%j): code 2 and the way to help', async (args) => {
    const { code, stdout, stderr } = await labelweave(...args);
    expect(code).toBe(2);
    expect(stdout + stderr).toMatch(/--help|Usage/);
  });
});

describe('train', () => {
  /** A label that no data set has, on what the default model finds as cups: two photos, boxes in COCO's form. */
  async function annotated(): Promise<string> {
    const photos = ['products-01.jpg', 'products-03.jpg'];
    mkdirSync(join(folder, 'mugs'), { recursive: true });
    for (const name of photos)
      copyFileSync(join(root, 'node_modules/startbootstrap-business-casual/dist/assets/img', name), join(folder, 'mugs', name));
    const found = await labelweave('detect', 'mugs', '--labels', 'cups.json', '--format', 'json', '--quiet');
    const { images } = JSON.parse(found.stdout) as { images: { file: string; detections: { box: number[] }[] }[] };
    const annotations = images.flatMap(({ detections }, i) =>
      detections.map(({ box: [x1, y1, x2, y2] }) => {
        return { image_id: i, category_id: 7, bbox: [x1!, y1!, x2! - x1!, y2! - y1!] };
      }),
    );
    expect(annotations.length).toBeGreaterThan(2);
    const list = images.map(({ file }, id) => ({ id, file_name: file.replace(/^.*[\\/]/, '') }));
    writeFileSync(join(folder, 'mugs.json'), JSON.stringify({ images: list, annotations, categories: [{ id: 7, name: 'mug' }] }));
    return 'mine=mugs.json:mugs';
  }
  const read = (model: string) =>
    ['labelweave.json', 'graph.json', 'weights.safetensors'].map((name) => readFileSync(join(folder, model, name)));

  it(
    'teaches a label from two photos; stopped by Ctrl-C it goes on to the same bytes, and detect runs the package',
    { timeout: 240_000 },
    async () => {
      writeFileSync(join(folder, 'cups.json'), JSON.stringify({ labels: { mug: ['cup', 'bowl'] } }));
      const data = await annotated();
      const options = ['--data', data, '--eval', data, '--epochs', '8', '--batch', '1', '--name', 'mugs', '--no-cache'];
      const whole = await labelweave('train', ...options, '-o', 'whole', '--relations', 'no.json');
      expect([whole.code, whole.stderr]).toEqual([2, expect.stringContaining('--relations: found no --taxonomy')]);
      const done = await labelweave('train', ...options, '-o', 'whole');
      expect(done.stderr).toMatch(/^start, AP50 of mine on mine \d\.\d{3}$/m);
      expect(done.stderr).toMatch(/^epoch 8: loss \d+\.\d{3}, AP50 of mine on mine \d\.\d{3}$/m);
      expect(done.stderr).toMatch(/^wrote whole: mine \(1 labels\), epoch \d, AP50 \d\.\d{3}$/m);
      expect(done.code).toBe(0);
      expect(readdirSync(join(folder, 'whole')).sort()).toEqual(['graph.json', 'labelweave.json', 'weights.safetensors']);

      const stopped = await new Promise<{ code: number | null; stderr: string }>((resolve) => {
        const child = spawn(process.execPath, [main, 'train', ...options, '-o', 'parts'], { cwd: folder });
        let stderr = '';
        let asked = false;
        child.stderr.setEncoding('utf8').on('data', (text: string) => {
          stderr += text;
          // Once: a second one would end it at once.
          if (!asked && (asked = /^epoch 2:/m.test(stderr))) child.kill('SIGINT');
        });
        child.on('close', (code) => resolve({ code, stderr }));
      });
      expect([stopped.code, stopped.stderr]).toEqual([130, expect.stringContaining('go on with --resume')]);
      expect(readdirSync(join(folder, 'parts'))).toEqual(['checkpoint.safetensors']);
      const other = await labelweave('train', ...options, '--seed', '2', '--resume', '-o', 'parts');
      expect([other.code, other.stderr]).toEqual([expect.any(Number), expect.stringContaining('another run')]);
      expect(other.code).not.toBe(0);
      const resumed = await labelweave('train', ...options, '--resume', '-o', 'parts');
      expect(resumed.stderr).not.toMatch(/^epoch 1:/m);
      expect(resumed.code).toBe(0);
      expect(read('parts')).toEqual(read('whole'));

      writeFileSync(join(folder, 'mug.txt'), 'mug\n');
      const { stdout } = await labelweave('detect', 'mugs', '--model', 'whole', '--labels', 'mug.txt');
      expect(stdout).toMatch(/^ {2}mug +0\.\d{3}/m);
    },
  );

  it('a text head learns from vectors, and detect gives it other labels by theirs', { timeout: 240_000 }, async () => {
    writeFileSync(join(folder, 'cups.json'), JSON.stringify({ labels: { mug: ['cup', 'bowl'] } }));
    const data = await annotated();
    writeFileSync(join(folder, 'mine.npy'), npy([[1, 2, 0, 0]]));
    const options = ['--data', data, '--epochs', '4', '--batch', '1', '--only', '--no-cache', '--quiet'];
    const made = await labelweave('train', ...options, '--vectors', 'mine=mine.npy', '-o', 'text');
    expect([made.code, made.stderr]).toEqual([0, expect.stringContaining('wrote text: mine (1 labels)')]);
    writeFileSync(join(folder, 'beaker.txt'), 'beaker\n');
    writeFileSync(join(folder, 'beaker.npy'), npy([[1, 2, 0.1, 0]]));
    const found = await labelweave('detect', 'mugs', '--model', 'text', '--labels', 'beaker.txt', '--vectors', 'beaker.npy');
    expect(found.stdout).toMatch(/^ {2}beaker +0\.\d{3}/m);
    writeFileSync(join(folder, 'pair.txt'), 'beaker\nstone\n');
    const wrong = await labelweave('detect', 'mugs', '--model', 'text', '--labels', 'pair.txt', '--vectors', 'mine.npy');
    expect([wrong.code, wrong.stderr]).toEqual([
      expect.any(Number),
      expect.stringContaining('found an array [1, 4]; wanted [2, D]'),
    ]);
    const bare = await labelweave('detect', 'mugs', '--model', 'text', '--vectors', 'mine.npy');
    expect([bare.code, bare.stderr]).toEqual([2, expect.stringContaining('--vectors: found no --labels')]);
    const other = await labelweave('detect', 'mugs', '--labels', 'beaker.txt', '--vectors', 'beaker.npy');
    expect([other.code, other.stderr]).toEqual([expect.any(Number), expect.stringContaining('embeddings')]);
    expect(other.code).not.toBe(0);
  });

  it.each<[string, string[], RegExp]>([
    ['text without vectors', ['-o', 'x', '--data', 'mine=mugs.json:mugs', '--classifier', 'text'], /found no --vectors of mine; wanted --vectors mine=FILE/],
    ['vectors of another data set', ['-o', 'x', '--data', 'mine=mugs.json:mugs', '--vectors', 'his=a.npy'], /--vectors: found "his"; wanted mine/],
    ['vectors for cosines', ['-o', 'x', '--data', 'mine=mugs.json:mugs', '--vectors', 'mine=a.npy', '--classifier', 'cosine'], /--vectors: found --classifier cosine/],
    ['soft labels without vectors', ['-o', 'x', '--data', 'mine=mugs.json:mugs', '--loss', 'hard-soft'], /--loss hard-soft: found no --vectors of mine/],
    ['no output', ['--data', 'a=b.json:c'], /found no --output/],
    ['no data', ['-o', 'x'], /found no --data/],
    ['data without a folder', ['-o', 'x', '--data', 'a=b.json'], /wanted NAME=ANNOTATIONS.json:IMAGES/],
    ['an unknown start', ['-o', 'x', '--data', 'a=b.json:c', '--start', 'labels'], /--start: found "labels"; wanted auto, discriminant or zeros/],
    ['annotations that are not there', ['-o', 'x', '--data', 'a=b.json:c'], /b\.json/],
  ])('says what is wrong: %s, and writes nothing', async (_, args, message) => {
    const { code, stderr } = await labelweave('train', ...args);
    expect(stderr).toMatch(message);
    expect(code).not.toBe(0);
    expect(existsSync(join(folder, 'x'))).toBe(false);
  }); // prettier-ignore
});
