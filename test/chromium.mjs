// Where Chromium is and how the tests start it: headless, without network services, with WebGPU on the software adapter.
import { existsSync, realpathSync } from 'node:fs';
import { dirname } from 'node:path';

const candidates = [
  process.env.CHROMIUM_PATH,
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

/** The browser's program, or `undefined` if there is none: `npm test` installs or asks for it (setup-system.mjs). */
export const chromiumPath = candidates.find((path) => path && existsSync(path));

export const chromiumFlags = [
  '--headless=new',
  '--no-sandbox',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--enable-unsafe-webgpu',
  '--enable-features=Vulkan',
  '--use-webgpu-adapter=swiftshader',
];

/** Chromium's software Vulkan driver, which Dawn (in Node) and Deno can use as well: the value of VK_ICD_FILENAMES. */
export const swiftShader = [
  '/usr/lib/chromium/vk_swiftshader_icd.json',
  chromiumPath && `${dirname(realpathSync(chromiumPath))}/vk_swiftshader_icd.json`,
]
  .filter(Boolean)
  .find((path) => existsSync(path));

/** Mesa's software Vulkan driver, for Deno: it has shader-f16. Dawn refuses it. */
export const llvmpipe = ['x86_64', 'aarch64']
  .map((machine) => `/usr/share/vulkan/icd.d/lvp_icd.${machine}.json`)
  .concat('/usr/share/vulkan/icd.d/lvp_icd.json')
  .find((path) => existsSync(path));
