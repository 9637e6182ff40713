// Where Chromium is and how the tests start it: headless, without network services, with WebGPU on the software adapter.
import { existsSync } from 'node:fs';

const candidates = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome', '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome'];

/** The browser's program; the variable CHROMIUM_PATH goes before the usual places. `undefined` if there is none. */
export function findChromium() {
  return [process.env.CHROMIUM_PATH, ...candidates].find((path) => path && existsSync(path));
}

/** As `findChromium`, but a missing browser is an error that says what to do; thrown late, so that tests without a browser run. */
export function chromiumPath() {
  return findChromium() ?? '/usr/bin/chromium';
}

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
