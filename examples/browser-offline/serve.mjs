// Serves the page with a model that comes at 1 MB a second, so that there is time to stop it: node examples/browser-offline/serve.mjs [port]
import { serve } from '../serve.mjs';

const { url } = await serve(Number(process.argv[2] ?? 8080), { example: 'browser-offline', modelSpeed: 1e6 });
console.log(`Open ${url}`);
