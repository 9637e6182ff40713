// Sees to the system packages that the tests need (Chromium): installs Debian's where this user may, says what to install where not.
import { execFileSync } from 'node:child_process';
import { chromiumPath } from './chromium.mjs';

const works = (program, ...args) => {
  try {
    execFileSync(program, args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
};

if (!chromiumPath) {
  const sudo = process.getuid?.() === 0 ? [] : works('sudo', '-n', 'true') ? ['sudo', '-n'] : undefined;
  if (!sudo || !works('apt-get', '--version')) {
    console.error(
      'Chromium: found none; wanted Chromium or Chrome for the browser tests.\n' +
        'Install it (Debian: apt-get install chromium) or set CHROMIUM_PATH to its program.',
    );
    process.exit(1);
  }
  const aptGet = (...args) => {
    const [program, ...rest] = [...sudo, 'env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', '-y', ...args];
    execFileSync(program, rest, { stdio: ['ignore', 'inherit', 'inherit'] });
  };
  aptGet('update');
  aptGet('install', '--no-install-recommends', 'chromium');
}
