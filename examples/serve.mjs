// A small static server for the pages of the examples: cross-origin isolated, so that threads work; with versions and byte ranges, so that models can be
// kept and downloads continued. The page to open stands in the serve.mjs of each example.
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../', import.meta.url));
const types = {
  '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.mjs': 'text/javascript', '.json': 'application/json',
  '.png': 'image/png', '.jpg': 'image/jpeg', '.css': 'text/css', '.safetensors': 'application/octet-stream', '.txt': 'text/plain',
}; // prettier-ignore

/**
 * Serves the repository on 127.0.0.1 (port 0: any); resolves with the server and the address of the example. `modelSpeed`, bytes a second, slows the
 * files of models down.
 */
export async function serve(port, { example, modelSpeed = Infinity }) {
  const server = createServer(async (request, response) => {
    try {
      const path = normalize(decodeURIComponent(new URL(request.url, 'http://localhost').pathname));
      const file = join(root, path.endsWith('/') ? `${path}index.html` : path);
      const { size, mtimeMs } = await stat(file);
      // What downloads that are continued ask for: everything from a byte on.
      const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
      const partial = start > 0 && start < size;
      response.writeHead(partial ? 206 : 200, {
        'content-type': types[extname(file)] ?? 'application/octet-stream',
        'content-length': partial ? size - start : size,
        ...(partial ? { 'content-range': `bytes ${start}-${size - 1}/${size}` } : {}),
        etag: `"${size.toString(36)}-${Math.round(mtimeMs).toString(36)}"`,
        'cache-control': 'no-store',
        'cross-origin-opener-policy': 'same-origin',
        'cross-origin-embedder-policy': 'require-corp',
      });
      if (request.method === 'HEAD') return response.end();
      const content = createReadStream(file, { start: partial ? start : 0 });
      if (!path.includes('/models/') || modelSpeed === Infinity) return content.pipe(response);
      for await (const chunk of content) {
        if (response.destroyed) return;
        response.write(chunk);
        await sleep((1000 * chunk.length) / modelSpeed);
      }
      response.end();
    } catch {
      response.writeHead(404).end('not found');
    }
  });
  await new Promise((resolve) => server.listen(port, '127.0.0.1', resolve));
  return { server, url: `http://127.0.0.1:${server.address().port}/examples/${example}/` };
}
