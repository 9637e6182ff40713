// Serves the page: node examples/browser-detect/serve.mjs [port]
import { serve } from '../serve.mjs';

const { url } = await serve(Number(process.argv[2] ?? 8080), { example: 'browser-detect' });
console.log(`Open ${url}`);
