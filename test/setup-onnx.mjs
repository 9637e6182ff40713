// Gets the "light" models of the ONNX project, architectures of well-known networks without their weights, out of its Python wheel, where they are missing.
// Where there is no network or no pip, the tests that need them say so and fail.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('../node_modules/.cache/labelweave-tools/onnx/', import.meta.url));

/** Where light_resnet50.onnx and its like stand. */
export const lightModels = `${folder}onnx/backend/test/data/light/`;

/** What a person has to do. */
export const howToGetLightModels =
  'Run `node test/setup-onnx.mjs` (it needs python3 with pip and a network), or unpack the wheel of onnx 1.23.1 into node_modules/.cache/labelweave-tools/onnx.';

if (process.argv[1] === fileURLToPath(import.meta.url) && !existsSync(lightModels)) {
  mkdirSync(folder, { recursive: true });
  const download = `${folder}download/`;
  execFileSync(
    'python3',
    ['-m', 'pip', 'download', 'onnx==1.23.1', '--no-deps', '--only-binary=:all:', '--quiet', '-d', download],
    {
      stdio: ['ignore', 'inherit', 'inherit'],
    },
  );
  const [wheel] = readdirSync(download).filter((name) => name.endsWith('.whl'));
  execFileSync('python3', ['-m', 'zipfile', '-e', download + wheel, folder], { stdio: ['ignore', 'inherit', 'inherit'] });
  rmSync(download, { recursive: true });
  if (!existsSync(lightModels)) throw new Error(`light models: found none in ${wheel}; wanted ${lightModels}`);
}
