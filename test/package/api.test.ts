// The published declarations: every symbol, member and option has words, and a change of the API shows as a change of one file.
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

/** Shared parts have a hash in their name; it says nothing of the API. */
const withoutHash = (text: string) => text.replace(/-[\w-]{8}(?=\.(d\.ts|js))/g, '');

const hasWords = (node: ts.Node) =>
  ts.getJSDocCommentsAndTags(node).some((part) => ts.isJSDoc(part) && !!ts.getTextOfJSDocComment(part.comment)?.trim());

const nameOf = (node: ts.NamedDeclaration) => (node.name ? node.name.getText() : ts.SyntaxKind[node.kind]);

/** Symbols known to everyone explain themselves. */
const wellKnown = /^\[Symbol\.(dispose|iterator|asyncIterator|toStringTag)\]$/;

const isPrivate = (node: ts.Node) =>
  (ts.canHaveModifiers(node) && (ts.getModifiers(node) ?? []).some(({ kind }) => kind === ts.SyntaxKind.PrivateKeyword)) ||
  ((ts.isPropertyDeclaration(node) || ts.isMethodDeclaration(node)) && ts.isPrivateIdentifier(node.name));

/** `Thing.member` of everything in a file that has no words. Overloads and get/set pairs need them once. */
function undocumented(path: string): string[] {
  const source = ts.createSourceFile(path, readFileSync(join(dist, path), 'utf8'), ts.ScriptTarget.Latest, true);
  const documented = new Map<string, boolean>();
  const see = (name: string, node: ts.Node) => documented.set(name, (documented.get(name) ?? false) || hasWords(node));
  const members = (owner: string, nodes: ts.NodeArray<ts.ClassElement | ts.TypeElement>) => {
    for (const member of nodes) {
      if (isPrivate(member) || ts.isConstructorDeclaration(member) || wellKnown.test(nameOf(member))) continue;
      see(`${owner}.${nameOf(member)}`, member);
    }
  };
  for (const statement of source.statements) {
    if (ts.isVariableStatement(statement))
      for (const { name } of statement.declarationList.declarations) see(name.getText(), statement);
    else if (ts.isFunctionDeclaration(statement) || ts.isTypeAliasDeclaration(statement)) see(nameOf(statement), statement);
    else if (ts.isClassDeclaration(statement) || ts.isInterfaceDeclaration(statement)) {
      see(nameOf(statement), statement);
      members(nameOf(statement), statement.members);
    }
    if (ts.isTypeAliasDeclaration(statement) && ts.isTypeLiteralNode(statement.type))
      members(nameOf(statement), statement.type.members);
  }
  return [...documented].filter(([, words]) => !words).map(([name]) => name);
}

it('finds declarations', () => {
  expect(declarations).toContain('index.d.ts');
});

describe('every symbol, member and option has words', () => {
  it.each(declarations)('%s', (path) => {
    expect(undocumented(path)).toEqual([]);
  });
});

it('the published API is the reviewed one (npx vitest run --project package -u writes it anew)', async () => {
  const report = declarations
    .map((path) => `// ${withoutHash(path)}\n${withoutHash(readFileSync(join(dist, path), 'utf8'))}`)
    .sort()
    .join('\n');
  await expect(report).toMatchFileSnapshot('api.snapshot.d.ts.txt');
});
