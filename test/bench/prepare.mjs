// Makes what the engines need, in build/bench: pixels of a photo, the network as ONNX, and each engine as a file for pages (TF.js also for Node).
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import sharp from 'sharp';
import { defaultModelAsOnnx } from './to-onnx.mjs';

export const root = fileURLToPath(new URL('../../', import.meta.url));
export const here = fileURLToPath(new URL('.', import.meta.url));
export const out = join(root, 'build/bench');

/** Side of the network's input in pixels. */
export const SIDE = 512;

const require = createRequire(import.meta.url);
// Neither package names its models and binaries in its exports.
const human = dirname(dirname(require.resolve('@vladmandic/human')));

/** Where each engine finds its model and its binaries, in Node and on a page. */
export const assets = {
  node: {
    labelweave: join(root, 'dist/models/centernet-mbv3'),
    tfjsModel: join(human, 'models/centernet.json'),
    tfjsWasm: `${join(here, 'node_modules/@tensorflow/tfjs-backend-wasm/dist')}/`,
    onnx: join(out, 'centernet.onnx'),
  },
  page: {
    labelweave: '/models/labelweave/',
    tfjsModel: '/models/tfjs/centernet.json',
    tfjsWasm: '/tfjs/',
    onnx: '/models/onnx/centernet.onnx',
    onnxWasm: '/onnxruntime/',
    litertWasm: '/litert/',
  },
};

/** Folders that the page's server shows, by the start of the path. */
export const served = {
  '/models/labelweave/': assets.node.labelweave,
  '/models/tfjs/': dirname(assets.node.tfjsModel),
  '/models/onnx/': out,
  '/tfjs/': assets.node.tfjsWasm,
  '/onnxruntime/': join(here, 'node_modules/onnxruntime-web/dist'),
  '/litert/': join(here, 'node_modules/@litertjs/core/wasm'),
  '/': join(out, 'page'),
};

/** A photo with people that stands in an npm package (a development dependency). */
export const defaultPhoto = () => join(human, 'assets/screenshot-facedetect.jpg');

/** RGB bytes, 512 x 512. A file that ends in `.rgb` is taken as it is; every other is decoded and stretched. */
export async function readPixels(file = defaultPhoto()) {
  const pixels = file.endsWith('.rgb')
    ? await readFile(file)
    : await sharp(file).rotate().resize(SIDE, SIDE, { fit: 'fill' }).toColourspace('srgb').removeAlpha().raw().toBuffer();
  const bytes = SIDE * SIDE * 3;
  if (pixels.length !== bytes)
    throw new Error(`${file}: found ${pixels.length} bytes; wanted ${bytes}, RGB of ${SIDE} x ${SIDE} pixels.`);
  return { data: new Uint8Array(pixels), width: SIDE, height: SIDE, channels: 3 };
}

/** Writes everything into build/bench. Needs the built package and the peers. */
export async function prepare(image) {
  const page = join(out, 'page');
  await mkdir(page, { recursive: true });
  await writeFile(assets.node.onnx, await defaultModelAsOnnx());
  await writeFile(join(page, 'image.rgb'), image.data);
  await writeFile(
    join(page, 'index.html'),
    '<!doctype html><meta charset="utf-8"><title>bench</title><script type="module" src="/host.js"></script>',
  );

  // The repository's own compiler settings must not lead from the built package back to its sources.
  const common = {
    bundle: true,
    target: 'es2022',
    legalComments: 'none',
    logLevel: 'error',
    absWorkingDir: here,
    tsconfigRaw: {},
  };
  const engine = (name) => join(here, 'engines', `${name}.mjs`);
  await build({ ...common, entryPoints: { host: join(here, 'page-host.mjs') }, outdir: page, format: 'esm' });
  for (const name of ['labelweave', 'tfjs', 'onnxruntime', 'model-labelweave', 'model-onnxruntime', 'model-litert']) {
    await build({
      ...common,
      entryPoints: { [name]: engine(name) },
      outdir: page,
      format: 'esm',
      platform: 'browser',
      minify: true,
      // The smallest form of each peer: ONNX Runtime without WebGPU, with its binary beside it.
      alias: { 'onnxruntime-web': 'onnxruntime-web/wasm' },
      conditions: ['onnxruntime-web-use-extern-wasm'],
    });
  }
  for (const name of ['tfjs-webgpu', 'onnxruntime-webgpu']) {
    const conditions = ['onnxruntime-web-use-extern-wasm'];
    await build({
      ...common,
      entryPoints: { [name]: engine(name) },
      outdir: page,
      format: 'esm',
      platform: 'browser',
      minify: true,
      conditions,
    });
  }
  // In Node, TF.js's published CommonJS cannot start threads: names that its worker needs are lost when its parts are put together. Its modules can.
  await build({
    ...common,
    entryPoints: { tfjs: engine('tfjs') },
    outdir: join(out, 'node'),
    outExtension: { '.js': '.cjs' },
    format: 'cjs',
    platform: 'node',
    mainFields: ['module', 'main'],
  });
}

/** Module that holds an engine in Node. */
export const engineFile = (name) => (name === 'tfjs' ? join(out, 'node/tfjs.cjs') : join(here, 'engines', `${name}.mjs`));
