// Runs the bundled kernel tests in Deno and prints their outcomes: deno run deno.mjs BUNDLE PRECISION.
const [bundle, precision] = Deno.args;
globalThis.engine = { precision };
const { runTests } = await import(`file://${bundle}`);
const outcomes = await runTests();
const { vendor, description } = (await navigator.gpu.requestAdapter()).info;
console.log(JSON.stringify({ adapter: `${vendor} ${description}`, outcomes }));
Deno.exit(0);
