// The published declarations: every exported symbol, member and option has words, and a change of the API shows as a change of one file.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { describe, expect, inject, it } from 'vitest';

const dist = join(inject('consumer'), 'node_modules/labelweave/dist');

/** Declarations but the label catalogue, which is data. */
const declarations = readdirSync(dist, { recursive: true, encoding: 'utf8' })
  .map((path) => path.replaceAll('\\', '/'))
  .filter((path) => path.endsWith('.d.ts') && !path.startsWith('taxonomy/catalog/'))
  .sort();

/** Parts that entries share have a hash in their name; it says nothing of the API. */
const hash = /-[\w-]{8}(?=\.(d\.ts|js))/g;
const entries = declarations.filter((path) => path.search(hash) < 0);

const program = ts.createProgram(
  entries.map((path) => join(dist, path)),
  {
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    noLib: true,
    types: [],
  },
);
const checker = program.getTypeChecker();

const hasWords = (symbol: ts.Symbol) => ts.displayPartsToString(symbol.getDocumentationComment(checker)).trim() !== '';

/** Members that explain themselves: well-known symbols, index signatures, the constructor, what nobody outside can reach, and what a class inherits. */
const silent = (member: ts.Symbol) =>
  /^__(@|constructor|index|#)/.test(String(member.escapedName)) ||
  member.flags & ts.SymbolFlags.Prototype ||
  (member.declarations ?? []).every((one) => ts.getCombinedModifierFlags(one) & ts.ModifierFlags.Private);

/** `Thing` and `Thing.member` of everything that a module exports and that has no words. */
function undocumented(path: string): string[] {
  const module = checker.getSymbolAtLocation(program.getSourceFile(join(dist, path))!)!;
  return checker.getExportsOfModule(module).flatMap((exported) => {
    const symbol = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported;
    // Members of classes and interfaces, and of `type Options = { ... }`.
    const owner = symbol.declarations?.find(ts.isTypeAliasDeclaration)?.type;
    const own = owner && ts.isTypeLiteralNode(owner) ? checker.getTypeAtLocation(owner).symbol.members : symbol.members;
    const members = [...(own?.values() ?? []), ...(symbol.flags & ts.SymbolFlags.Class ? (symbol.exports?.values() ?? []) : [])];
    const wordless = members.filter(
      (member) => !(member.flags & ts.SymbolFlags.TypeParameter) && !silent(member) && !hasWords(member),
    );
    return [...(hasWords(symbol) ? [] : [exported.name]), ...wordless.map((member) => `${exported.name}.${member.name}`)];
  });
}

it('finds the entries', () => {
  expect(entries).toEqual(expect.arrayContaining(['index.d.ts', 'taxonomy/index.d.ts', 'node/index.d.ts']));
});

describe('every exported symbol, member and option has words', () => {
  it.each(entries)('%s', (path) => {
    expect(undocumented(path)).toEqual([]);
  });
});

it('the published API is the reviewed one (npx vitest run --project package -u writes it anew)', async () => {
  const report = declarations.map((path) => `// ${path}\n${readFileSync(join(dist, path), 'utf8')}`.replace(hash, ''));
  await expect(report.sort().join('\n')).toMatchFileSnapshot('api.snapshot.d.ts.txt');
});
