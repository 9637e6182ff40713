// Sees to the system packages that the tests need (Chromium, Vulkan with Mesa's software driver): installs Debian's where this user may, says what to
// install where not.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chromiumPath, llvmpipe, swiftShader } from './chromium.mjs';

const works = (program, ...args) => {
  try {
    execFileSync(program, args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
};

// WebGPU on Linux needs the Vulkan loader and, without a GPU, software drivers: Chromium's for Dawn, Mesa's for Deno.
const loader =
  process.platform !== 'linux' ||
  ['/usr/lib', '/usr/lib64', '/lib', '/lib64', '/usr/lib/x86_64-linux-gnu', '/usr/lib/aarch64-linux-gnu'].some((folder) =>
    existsSync(`${folder}/libvulkan.so.1`),
  );
const missing = [
  ...(!chromiumPath || !swiftShader ? ['chromium'] : []),
  ...(loader ? [] : ['libvulkan1']),
  ...(process.platform === 'linux' && !llvmpipe ? ['mesa-vulkan-drivers'] : []),
  ...(existsSync('/usr/share/libonnx-testdata') ? [] : ['libonnx-testdata']),
];

if (missing.length > 0) {
  const sudo = process.getuid?.() === 0 ? [] : works('sudo', '-n', 'true') ? ['sudo', '-n'] : undefined;
  if (!sudo || !works('apt-get', '--version')) {
    console.error(
      `System packages: found no ${missing.join(', no ')}; wanted Chromium for the browser tests, Vulkan with software drivers for WebGPU, the operator cases of ONNX.\n` +
        `Install them (Debian: apt-get install ${missing.join(' ')}), or set CHROMIUM_PATH to a Chromium or Chrome.`,
    );
    process.exit(1);
  }
  const aptGet = (...args) => {
    const [program, ...rest] = [...sudo, 'env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', '-y', ...args];
    execFileSync(program, rest, { stdio: ['ignore', 'inherit', 'inherit'] });
  };
  aptGet('update');
  aptGet('install', '--no-install-recommends', ...missing);
}
