// Lint rules, and the import table: which room of sdk/ may import which. The same table stands in ARCHITECTURE.md; a test compares them.

const data = ['errors', 'tensor', 'ir', 'taxonomy', 'detections'];

/**
 * A room is a folder of sdk/ or a file directly in it (by its name without `.ts`). `platform` stands for the `#platform` import.
 * A room may always import itself. `packages` are third-party modules; `node:` stands for Node's built-in modules.
 * @type {Record<string, { rooms: string[], packages?: string[] }>}
 */
export const importTable = {
  errors: { rooms: [] },
  tensor: { rooms: ['errors'] },
  ir: { rooms: ['errors', 'tensor'] },
  taxonomy: { rooms: ['errors', 'tensor'], packages: ['valibot', 'yaml'] },
  detections: { rooms: ['errors', 'tensor', 'taxonomy'] },
  'platform-types': { rooms: ['errors', 'tensor'] },
  platform: { rooms: ['errors', 'tensor', 'image', 'platform-types'] },
  store: { rooms: ['errors', 'tensor', 'platform', 'platform-types'] },
  runtime: { rooms: ['errors', 'tensor', 'ir', 'platform', 'platform-types'] },
  image: { rooms: [...data, 'runtime', 'store', 'platform', 'platform-types'] },
  graph: { rooms: [...data, 'runtime', 'store', 'platform', 'platform-types'], packages: ['valibot', 'flatbuffers'] },
  heads: { rooms: [...data, 'runtime'] },
  unify: { rooms: [...data, 'runtime'] },
  postprocess: { rooms: [...data, 'runtime'] },
  evaluate: { rooms: [...data, 'postprocess', 'store', 'platform', 'platform-types'] },
  learn: { rooms: [...data, 'evaluate', 'postprocess', 'store', 'platform', 'platform-types'], packages: ['highs', 'glpk.js'] },
  train: {
    rooms: [
      ...[...data, 'runtime', 'evaluate', 'store', 'platform', 'platform-types'],
      ...['graph', 'heads', 'image', 'postprocess', 'unify', 'datasets', 'tails'],
    ],
  },
  datasets: { rooms: [...data, 'image', 'store', 'platform', 'platform-types'] },
  convert: { rooms: [...data, 'runtime', 'graph', 'heads', 'store'] },
  models: { rooms: [...data, 'runtime', 'graph', 'heads'], packages: ['node:'] },
  node: { rooms: [...data, 'store', 'image', 'platform-types'], packages: ['node:', 'sharp', 'jpeg-js', 'fast-png', 'webgpu'] },
  detector: {
    rooms: [...data, 'image', 'graph', 'heads', 'unify', 'postprocess', 'runtime', 'store', 'platform', 'platform-types'],
  },
};
importTable.tails = { rooms: ['errors', 'ir', 'taxonomy', 'detections', 'runtime', 'heads', 'unify'] };
importTable.detector.rooms.push('tails');
importTable.ensemble = { rooms: [...importTable.detector.rooms, 'detector'] };
importTable.load = { rooms: [...importTable.ensemble.rooms, 'ensemble'] };
importTable.index = {
  rooms: Object.keys(importTable).filter(
    (room) => !['node', 'models', 'evaluate', 'datasets', 'learn', 'convert', 'train'].includes(room),
  ),
};
// The command line uses the package as its users do, by its published name.
importTable.cli = { rooms: [], packages: ['node:', 'cac', 'labelweave'] };

/** Rows of the table as ARCHITECTURE.md shows them. */
export function importTableMarkdown() {
  const code = (names) => names.map((name) => `\`${name}\``).join(', ') || 'nothing';
  const rows = Object.entries(importTable).map(
    ([room, { rooms, packages = [] }]) => `| \`${room}\` | ${code([...rooms, ...packages])} |`,
  );
  return ['| room | may import |', '| --- | --- |', ...rows].join('\n');
}

const files = ['errors', 'platform-types', 'platform', 'tails', 'detector', 'ensemble', 'load', 'index'];
const folders = new Set(Object.keys(importTable).filter((room) => !files.includes(room)));

/** Who may import compiled code. A WASM module has one importer: the room it was written for. */
const kernelImporters = { wgsl: ['runtime/webgpu'], wasm: ['runtime/wasm', 'evaluate', 'train'] };

/** Refuses every room and package that the table does not list, in static, type-only and dynamic imports. */
function refusedImports(room, folder) {
  const { rooms, packages = [] } = importTable[room];
  const message = `sdk/${room} may import ${[...rooms, ...packages].join(', ') || 'nothing'}: see importTable in oxlint.config.mjs.`;
  const refused = Object.keys(importTable).filter((other) => other !== room && !rooms.includes(other));
  const up = folders.has(room) ? '(\\.\\./)+' : '\\./';
  const anyOf = (names) => `(${names.join('|')})`;
  const patterns = [
    { regex: `^${up}${anyOf(refused.filter((other) => folders.has(other)))}/`, message },
    { regex: `^${up}${anyOf(refused.filter((other) => !folders.has(other)))}\\.js$`, message },
  ];
  if (refused.includes('platform')) patterns.push({ regex: '^#platform$', message });
  for (const [ending, importers] of Object.entries(kernelImporters)) {
    if (!importers.includes(folder)) {
      patterns.push({ regex: `\\.${ending}(\\.z)?$`, message: `Only sdk/${importers.join(', sdk/')} import *.${ending}.` });
    }
  }
  // This package's name ends as a file's does, so that the rule below would let it pass.
  if (!packages.includes('glpk.js')) patterns.push({ regex: '^glpk\\.js(/|$)', message });
  // Relative imports always name their file ending (the compiler sees to it), so this matches packages only.
  const allowed = packages.flatMap((name) => (name === 'node:' ? ['!node:*', '!node:*/**'] : [`!${name}`, `!${name}/**`]));
  patterns.push({
    group: ['*', '!**/*.js', '!**/*.wasm', '!**/*.wasm.z', '!**/*.wgsl', '!**/package.json', '!#platform', ...allowed],
    message,
  });
  return { 'no-restricted-imports': ['error', { patterns: patterns.filter(({ regex }) => !regex?.includes('()')) }] };
}

const importOverrides = [
  ...Object.keys(importTable).map((room) => ({
    files: [folders.has(room) ? `sdk/${room}/**` : `sdk/${room}.ts`],
    rules: refusedImports(room, room),
  })),
  ...Object.values(kernelImporters)
    .flat()
    .map((folder) => ({ files: [`sdk/${folder}/**`], rules: refusedImports(folder.split('/')[0], folder) })),
];

export default {
  plugins: ['import', 'typescript', 'unicorn', 'oxc'],
  categories: { correctness: 'error', suspicious: 'error' },
  ignorePatterns: ['dist', 'build', 'coverage', 'assembly'],
  rules: {
    eqeqeq: 'error',
    'import/no-cycle': 'error',
    'no-console': 'error',
    'no-var': 'error',
    // Wanted here: narrowed constructor signatures, small local helpers, sized arrays, copies before changes, worker handlers, ES2022 sorts;
    // the loop rule takes a condition that another call changes for a mistake.
    'no-useless-constructor': 'off',
    'unicorn/consistent-function-scoping': 'off',
    'no-shadow': 'off',
    'typescript/no-extraneous-class': 'off',
    'unicorn/no-new-array': 'off',
    'unicorn/no-useless-spread': 'off',
    'no-unmodified-loop-condition': 'off',
    'import/no-named-as-default': 'off',
    'import/no-named-as-default-member': 'off',
    'unicorn/require-post-message-target-origin': 'off',
    'no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
    'unicorn/no-array-sort': 'off',
    'unicorn/no-array-reverse': 'off',
    'unicorn/prefer-add-event-listener': 'off',
    'prefer-const': 'error',
    'typescript/no-explicit-any': 'error',
  },
  overrides: [
    { files: ['sdk/cli/**', 'test/**', 'examples/**', 'sdk/models/**/recipe*.ts'], rules: { 'no-console': 'off' } },
    ...importOverrides,
  ],
};
