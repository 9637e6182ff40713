// Runs the bundled kernel tests and a whole model in Deno and prints what came of it: deno run deno.mjs BUNDLE PRECISION MODEL_FOLDER.
const [bundle, precision, folder] = Deno.args;
globalThis.engine = { precision };
const { runTests, runWhole } = await import(`file://${bundle}`);
const outcomes = await runTests();
const files = {};
for (const { name } of Deno.readDirSync(folder)) files[name] = Deno.readFileSync(`${folder}/${name}`);
const whole = await runWhole(files);
const { vendor, description } = (await navigator.gpu.requestAdapter()).info;
console.log(JSON.stringify({ adapter: `${vendor} ${description}`, outcomes, whole }));
Deno.exit(0);
