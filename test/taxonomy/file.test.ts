// Taxonomy files: written the same way every time, read strictly with every problem as data, held to the published JSON Schema.
import { toJsonSchema } from '@valibot/to-json-schema';
import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ArgumentError } from '../../sdk/errors.js';
import { duplicateKeys } from '../../sdk/taxonomy/file/duplicate-keys.js';
import { migrate } from '../../sdk/taxonomy/file/migrate.js';
import { MAX_PROBLEMS, readTaxonomy, taxonomyFromJSON, validateTaxonomy } from '../../sdk/taxonomy/file/read.js';
import { taxonomyFile } from '../../sdk/taxonomy/file/schema.js';
import { taxonomyToJSON, writeTaxonomy } from '../../sdk/taxonomy/file/write.js';
import { labelSpace } from '../../sdk/taxonomy/label-space.js';
import { formatProblem, type ProblemCode, TaxonomyError } from '../../sdk/taxonomy/problems.js';
import { taxonomy } from '../../sdk/taxonomy/taxonomy.js';
import { unifiedLabelSpace } from '../../sdk/taxonomy/unified.js';
import { hasSharedData, noSharedData } from '../shared-data.js';
import { anyUnified } from './arbitraries.js';
import { unidetTaxonomy, unidetTaxonomyWithCosts } from './unidet.js';

/** A small file with everything in it. */
const good = () => ({
  labelweaveTaxonomy: 1,
  name: 'animals',
  description: 'Pets and cattle',
  datasets: [
    { name: 'pets', labels: [{ id: 1, name: 'cat', color: [1, 2, 3] }, { id: 2, name: 'dog', synonyms: ['hound'], frequency: 'r' }] },
    { name: 'farm', labels: [{ id: 'd', name: 'Dog', parents: ['a'] }, { id: 'a', name: 'Animal', isThing: true, frequency: { images: 3 }, externalIds: { freebase: '/m/x' } }] },
  ],
  unified: [
    { id: 0, name: 'dog', members: { pets: 2, farm: 'd' }, cost: 0.01, margin: 0.3 },
    { id: 1, name: 'cat', members: { pets: 1 } },
    { id: 2, name: 'animal', members: { farm: 'a' } },
  ],
  relations: [{ a: { unified: 1 }, kind: 'subset', b: { dataset: 'farm', id: 'a' }, score: 0.9, evidence: [{ source: 'cross AP', forward: 0.8, backward: 0.1 }] }],
  pins: { mustMerge: [[{ dataset: 'farm', id: 'd' }, { dataset: 'pets', id: 2 }]], cannotMerge: [[{ dataset: 'farm', id: 'a' }, { dataset: 'pets', id: 1 }]], locked: [[{ dataset: 'pets', id: 1 }]], names: [{ dataset: 'pets', id: 2, name: 'dog' }] },
  origin: { method: 'learned', loss: 'average precision', parameters: { lambda: 0.5, tau: 0.25 }, objective: -1.5, bound: -1.5 },
}); // prettier-ignore

type File = ReturnType<typeof good>;
const codes = (value: unknown): [ProblemCode, string][] =>
  validateTaxonomy(JSON.stringify(value)).problems.map(({ code, path }) => [code, path.join('.')]);

describe('what is right', () => {
  it('is read whole', () => {
    const read = readTaxonomy(JSON.stringify(good()));
    expect(read.unified.unifiedOf('farm', { id: 'd' })).toMatchObject({
      id: 0,
      name: 'dog',
      cost: 0.01,
      margin: 0.3,
      members: { pets: 2, farm: 'd' },
    });
    expect(read.datasets[1]!.byId('a').externalIds).toEqual({ freebase: '/m/x' });
    expect(read.relations.between({ unified: 1 }, { dataset: 'farm', id: 'a' })!.score).toBe(0.9);
    expect(read.pins.mustMerge[0]).toContainEqual({ dataset: 'pets', id: 2 });
    expect(read.origin).toEqual(good().origin);
    expect(read.warnings).toEqual([]);
    expect(validateTaxonomy(`\uFEFF${JSON.stringify(good())}`).problems).toEqual([]);
    expect(validateTaxonomy(new TextEncoder().encode(JSON.stringify({ $schema: 'x', ...good() }))).problems).toEqual([]);
  });

  it('is written as it was read, whatever the order it stood in', () => {
    const text = writeTaxonomy(readTaxonomy(JSON.stringify(good())));
    expect(JSON.parse(text)).toEqual(good());
    expect(text.startsWith('{\n  "labelweaveTaxonomy": 1,\n  "name": "animals",\n')).toBe(true);
    expect(text.endsWith('}\n')).toBe(true);
    const shuffled = good() as File;
    shuffled.relations[0] = { kind: 'superset', b: { unified: 1 }, a: { id: 'a', dataset: 'farm' }, evidence: [{ backward: 0.8, forward: 0.1, source: 'cross AP' }], score: 0.9 } as never; // prettier-ignore
    shuffled.pins.mustMerge[0]!.reverse();
    shuffled.unified[0]!.members = { farm: 'd', pets: 2 };
    shuffled.origin.parameters = { tau: 0.25, lambda: 0.5 };
    expect(writeTaxonomy(readTaxonomy(JSON.stringify(Object.fromEntries(Object.entries(shuffled).reverse()))))).toBe(text);
  });

  it('any taxonomy comes back the same, and a second time to the byte', () => {
    fc.assert(
      fc.property(anyUnified, (space) => {
        const text = writeTaxonomy(taxonomy(space));
        const back = readTaxonomy(text);
        expect(back.unified.labels).toEqual(space.labels);
        expect(back.mapping).toEqual(space.mapping);
        expect(writeTaxonomy(back)).toBe(text);
      }),
    );
  });

  it('names of every kind come back: commas, quotes, lines, right-to-left, emoji, names of JavaScript', () => {
    const odd = ['a,b', '"q"', "it's", 'two\nlines', 'tab\t', 'كلب', 'עברית, "x"', '🐕‍🦺', 'a\u2028b', '\uD800', '<b>', '\\', 'constructor', '__proto__', 'toString']; // prettier-ignore
    const spaces = odd.map((name) => labelSpace(name, odd.map((own, k) => ({ id: `${own} ${k}`, name: own, externalIds: { [own]: own } })))); // prettier-ignore
    const made = taxonomy(unifiedLabelSpace('odd', spaces, [], { rest: 'single' }), { origin: { method: 'x', parameters: Object.fromEntries(odd.map((name) => [name, name])) } }); // prettier-ignore
    const text = writeTaxonomy(made);
    const back = readTaxonomy(text);
    expect(back.unified.labels).toEqual(made.unified.labels);
    expect(back.datasets.map((space) => space.labels)).toEqual(spaces.map((space) => space.labels));
    expect(writeTaxonomy(back)).toBe(text);
    expect(back.unified.restrict(['__proto__', 'constructor']).size).toBe(2 * odd.length);
  });
});

/** A good file, to be spoilt in any way. */
type Spoilt = any; // oxlint-disable-line typescript/no-explicit-any
/** A changed copy of the good file. */
const changed = (change: (file: Spoilt) => void): unknown => {
  const file = good();
  change(file);
  return file;
};

describe('what is wrong is said', () => {
  // Each row: what is done to the good file, the codes and paths, and what the first problem says.
  it.each<[string, (file: Spoilt) => void, [ProblemCode, string][], string]>([
    ['a missing part', (f) => delete f.datasets, [['missing-key', 'datasets']], 'datasets: found nothing; wanted an array'],
    ['an unknown key', (f) => (f.unified[1].colour = [1, 2, 3]), [['unknown-key', 'unified.1.colour']], 'only id, name, synonyms, color, members, cost, margin'],
    ['a blank name', (f) => (f.unified[1].name = ' '), [['wrong-value', 'unified.1.name']], 'unified[1].name: found " "; wanted a text that is not blank'],
    ['a fraction as id', (f) => (f.datasets[0].labels[0].id = 1.5), [['wrong-value', 'datasets.0.labels.0.id']], 'found 1.5; wanted an integer, or a text that is not blank'],
    ['a colour of four', (f) => (f.datasets[0].labels[0].color = [1, 2, 3, 4]), [['wrong-value', 'datasets.0.labels.0.color']], 'three integers'],
    ['a colour of two', (f) => (f.datasets[0].labels[0].color = [1, 2]), [['wrong-value', 'datasets.0.labels.0.color']], 'three integers'],
    ['a score over 1', (f) => (f.relations[0].score = 2), [['wrong-value', 'relations.0.score']], 'found 2; wanted a number from 0 to 1'],
    ['an unknown relation', (f) => (f.relations[0].kind = 'like'), [['wrong-value', 'relations.0.kind']], '"identity" | "subset" | "superset" | "overlap"'],
    ['a relation to nothing', (f) => (f.relations[0].b = { dataset: 'farm' }), [['missing-key', 'relations.0.b.id']], 'relations[0].b.id: found nothing'],
    ['labels that are no list', (f) => (f.datasets[0].labels = {}), [['wrong-value', 'datasets.0.labels']], 'found an object; wanted an array'],
    ['members that are a list', (f) => (f.unified[0].members = [1]), [['wrong-value', 'unified.0.members']], 'found an array of 1; wanted an object'],
    ['no labels', (f) => (f.datasets[0].labels = []), [['wrong-value', 'datasets.0.labels']], 'found an array of 0; wanted an array of 1 or more'],
    ['a pin of one', (f) => f.pins.mustMerge[0].pop(), [['wrong-value', 'pins.mustMerge.0']], 'found an array of 1; wanted an array of 2 or more'],
    ['null', (f) => (f.origin = null), [['wrong-value', 'origin']], 'found null; wanted an object with method'],
    ['the same id twice', (f) => (f.datasets[0].labels[1].id = 1), [['duplicate-id', 'datasets.0.labels.1.id']], 'the id of "cat" (id 1) at 0 too'],
    ['the same id as text', (f) => (f.datasets[0].labels[1].id = '1'), [['duplicate-id', 'datasets.0.labels.1.id']], '"1", the id of "cat" (id 1)'],
    ['the same unified id', (f) => (f.unified[1].id = 0), [['duplicate-id', 'unified.1.id']], 'found 0'],
    ['two data sets of one name', (f) => (f.datasets[1].name = 'pets'), [['duplicate-dataset', 'datasets.1.name']], '"pets", the name of datasets[0] too'],
    ['a dangling member', (f) => (f.unified[1].members.farm = 'x'), [['unknown-label', 'unified.1.members.farm']], 'found "x"; wanted the id of a label of "farm"'],
    ['an unknown data set', (f) => (f.unified[1].members.zoo = 1), [['unknown-dataset', 'unified.1.members.zoo']], 'found "zoo"; wanted a data set: "pets", "farm"'],
    ['a label in two unified labels', (f) => (f.unified[2].members.pets = 1), [['label-in-two', 'unified.2.members.pets']], 'which stands in unified[1] "cat" already'],
    ['a label in none', (f) => f.datasets[0].labels.push({ id: 3, name: 'fish' }), [['label-in-none', 'datasets.0.labels.2']], '"fish" (id 3) of "pets" in no unified label'],
    ['two labels of one data set', (f) => (f.unified[0].members.pets = [1, 2]), [['two-of-one-dataset', 'unified.0.members.pets']], 'wanted the id of one label'],
    ['no members', (f) => (f.unified[1].members = {}), [['no-member', 'unified.1.members'], ['label-in-none', 'datasets.0.labels.0']], 'found no member'],
    ['a dangling parent', (f) => (f.datasets[1].labels[0].parents = ['z']), [['unknown-parent', 'datasets.1.labels.0.parents.0']], 'found "z"'],
    ['a cycle of parents', (f) => (f.datasets[1].labels[1].parents = ['d']), [['parent-cycle', 'datasets.1.labels.0.parents']], '"Dog" (id "d") -> "Animal" (id "a") -> "Dog" (id "d")'],
    ['a synonym twice', (f) => (f.datasets[0].labels[1].synonyms = ['x', 'x']), [['wrong-value', 'datasets.0.labels.1.synonyms.1']], '"x" a second time'],
    ['a relation of an unknown unified label', (f) => (f.relations[0].a.unified = 9), [['unknown-unified', 'relations.0.a']], 'found 9'],
    ['a locked label that is pinned to others', (f) => (f.pins.locked[0] = [f.pins.mustMerge[0][0]]), [['pin-conflict', 'pins.locked.0']], 'locked as they are, and a pin that joins'],
    ['an empty lock', (f) => (f.pins.locked = [[]]), [['wrong-value', 'pins.locked.0']], 'found an array of 0; wanted an array of 1 or more'],
    ['a name for no label', (f) => (f.pins.names[0].id = 9), [['unknown-label', 'pins.names.0']], 'the id of a label of "pets"'],
    ['contradictory pins', (f) => (f.pins.cannotMerge[0] = f.pins.mustMerge[0]), [['pin-conflict', 'pins.cannotMerge.0']], 'which must merge'],
    ['a newer version', (f) => (f.labelweaveTaxonomy = 2), [['unknown-version', 'labelweaveTaxonomy']], 'found version 2; wanted 1. The file was written by a newer labelweave'],
    ['a version that is no number', (f) => (f.labelweaveTaxonomy = '1'), [['unknown-version', 'labelweaveTaxonomy']], 'found version "1"; wanted 1'],
    ['no version', (f) => delete f.labelweaveTaxonomy, [['missing-key', 'labelweaveTaxonomy']], 'wanted 1'],
    ['several at once', (f) => { f.unified[1].members.farm = 'x'; f.datasets[0].labels.push({ id: 3, name: 'fish' }); f.relations[0].a.unified = 9; }, [['unknown-label', 'unified.1.members.farm'], ['label-in-none', 'datasets.0.labels.2'], ['unknown-unified', 'relations.0.a']], ''],
  ])('%s', (_, change, wanted, text) => {
    const file = changed(change);
    expect(codes(file)).toEqual(wanted);
    const { problems, taxonomy: read } = validateTaxonomy(JSON.stringify(file));
    expect(read).toBeUndefined();
    expect(formatProblem(problems[0]!)).toContain(text);
    try {
      taxonomyFromJSON(file, { file: 'animals.json' });
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(TaxonomyError);
      expect((error as TaxonomyError).problems).toEqual(problems);
      expect((error as TaxonomyError).message.startsWith(`file "animals.json", `)).toBe(true);
    }
  }); // prettier-ignore

  it('duplicate names are a warning: they can only be told apart by id', () => {
    const file = changed((f) => (f.datasets[0].labels[1].name = 'cat'));
    const { problems, taxonomy: read } = validateTaxonomy(JSON.stringify(file));
    expect(problems.map(({ code, severity }) => [code, severity])).toEqual([['duplicate-name', 'warning']]);
    expect(() => read!.datasets[0]!.byName('cat')).toThrow(/2 labels with that name: "cat" \(id 1\), "cat" \(id 2\)/u);
  });

  it('pins that are not followed are a warning', () => {
    const file = changed((f) => (f.pins = { mustMerge: [[{ dataset: 'pets', id: 1 }, { dataset: 'farm', id: 'a' }]] })); // prettier-ignore
    expect(codes(file)).toEqual([['pin-broken', 'pins.mustMerge.0']]);
    expect(taxonomyFromJSON(file).warnings.length).toBe(1);
  });

  // Each row: text or bytes, code, what the message says.
  it.each<[string, string | Uint8Array, ProblemCode, string]>([
    ['nothing', '', 'not-json', 'an empty file'],
    ['a file that was cut off', JSON.stringify(good()).slice(0, -50), 'not-json', 'It may have been cut off.'],
    ['plain text', 'cat\ndog\n', 'not-json', 'text that is no JSON'],
    ['bytes that are no UTF-8', Uint8Array.of(0x7b, 0xff, 0x7d), 'not-json', 'bytes that are no UTF-8'],
    ['a list', '[1]', 'wrong-value', 'the file: found an array of 1; wanted an object with'],
    ['null', 'null', 'wrong-value', 'found null'],
    ['a hundred thousand brackets', '['.repeat(100_000) + ']'.repeat(100_000), 'wrong-value', 'found an array of 1'],
  ])('%s', (_, source, code, text) => {
    const { problems } = validateTaxonomy(source);
    expect(problems.map((one) => one.code)).toEqual([code]);
    expect(formatProblem(problems[0]!)).toContain(text);
  });

  it('a file of 200 MB is not read', () => {
    const bytes = new Uint8Array(200e6);
    const start = performance.now();
    expect(formatProblem(validateTaxonomy(bytes).problems[0]!)).toContain('found 200000000 bytes; wanted at most 67108864');
    // Nothing may look at the bytes; reading them takes a hundred times as long.
    expect(performance.now() - start).toBeLessThan(50);
    expect(validateTaxonomy('{} ', { maxBytes: 2 }).problems[0]!.code).toBe('too-large');
  });

  it('a file full of problems gives a short list', () => {
    const file = changed((f) => (f.unified = Array.from({ length: 200_000 }, () => 0)));
    const { problems } = validateTaxonomy(JSON.stringify(file));
    expect(problems.length).toBe(MAX_PROBLEMS + 1);
    expect(problems[MAX_PROBLEMS]!.code).toBe('more');
  });

  it('neither text nor bytes is a mistake of the caller', () => {
    for (const source of [undefined, null, 3, {}, new ArrayBuffer(2)])
      expect(() => validateTaxonomy(source as never)).toThrow(ArgumentError);
  });
});

describe('keys that stand twice', () => {
  it.each<[string, string[]]>([
    ['{"a":1,"a":2}', ['a']],
    ['{"a":{"b":1,"c":"}","b":2},"a2":[]}', ['a.b']],
    ['[{"x":1},{"x":1,"y":[1,2,{"z":0,"z":0}]}]', ['1.y.2.z']],
    ['{"a\\"b":1,"a\\"b":2}', ['a"b']],
    ['{"\\u0061":1,"a":2}', ['a']],
    ['{"a":"\\\\","a":"a\\\\\\""}', ['a']],
    ['{"a":["a","a",{"a":"a"}],"b":{"a":1}}', []],
    [`{${Array.from({ length: 40 }, (_, i) => `"k${i}":0`).join()},"k3":1}`, ['k3']],
  ])('%s', (json, wanted) => {
    JSON.parse(json);
    expect(duplicateKeys(json, 100).map((path) => path.join('.'))).toEqual(wanted);
  });

  it('no value that JSON.stringify writes has any', () => {
    fc.assert(fc.property(fc.jsonValue(), fc.constantFrom(undefined, 2), (value, indent) => void expect(duplicateKeys(JSON.stringify(value, undefined, indent), 9)).toEqual([]))); // prettier-ignore
  });

  it('in members they are two labels of one data set', () => {
    const text = JSON.stringify(good()).replace('"members":{"pets":2,', '"members":{"pets":1,"pets":2,');
    expect(validateTaxonomy(text).problems.map(formatProblem)).toEqual([
      'unified[0].members.pets: found two labels of "pets"; wanted one label of a data set in a unified label.',
    ]);
    const twice = JSON.stringify(good()).replace('"name":"animals"', '"name":"animals","name":"beasts"');
    expect(validateTaxonomy(twice).problems.map(({ code }) => code)).toEqual(['duplicate-key']);
  });
});

describe('migrations', () => {
  const steps = new Map([
    [1, (json: Record<string, unknown>) => ({ ...json, title: json['name'] })],
    [2, ({ name: _, ...json }: Record<string, unknown>) => json],
  ]);
  it('go step by step to the present version', () => {
    const given = Object.freeze({ labelweaveTaxonomy: 1, name: 'x' });
    expect(migrate(given, steps, 3)).toEqual({ json: { labelweaveTaxonomy: 3, title: 'x' } });
    expect(migrate({ labelweaveTaxonomy: 2, name: 'x' }, steps, 3)).toEqual({ json: { labelweaveTaxonomy: 3 } });
    const present = { labelweaveTaxonomy: 3 };
    expect(migrate(present, steps, 3)).toEqual({ json: present });
  });
  it('end where there is no step', () => {
    for (const version of [0, 4, 1.5, -1, '1', null, Number.NaN]) {
      const result = migrate({ labelweaveTaxonomy: version }, steps, 3);
      expect('problem' in result && [result.problem.code, result.problem.wanted]).toEqual(['unknown-version', '1, 2, 3']);
    }
  });
});

describe('fuzzing', () => {
  const check = (run: () => unknown): void => {
    try {
      run();
    } catch (error) {
      expect(error).toBeInstanceOf(TaxonomyError);
    }
  };
  it('any value: only the named error comes out', () => {
    fc.assert(fc.property(fc.anything({ withNullPrototype: true, withMap: true, withBigInt: true, withTypedArray: true }), (value) => check(() => taxonomyFromJSON(value))), { numRuns: 500 }); // prettier-ignore
  });

  it('a good file with any value anywhere: only the named error, and what is read is lawful', () => {
    /** Every place in the good file. */
    const places: (string | number)[][] = [];
    const walk = (value: unknown, path: (string | number)[]): void => {
      places.push(path);
      if (typeof value === 'object' && value !== null) for (const [key, item] of Object.entries(value)) walk(item, [...path, Array.isArray(value) ? Number(key) : key]); // prettier-ignore
    };
    walk(good(), []);
    const replacement = fc.oneof(fc.anything(), fc.constantFrom(0, 1, 2, 'd', 'a', 'pets', [], {}, { constructor: 1 }, JSON.parse('{"__proto__": 1}'))); // prettier-ignore
    fc.assert(
      fc.property(fc.constantFrom(...places.slice(1)), replacement, (path, value) => {
        const file: unknown = good();
        let at = file as Record<string | number, unknown>;
        for (const key of path.slice(0, -1)) at = at[key] as typeof at;
        at[path[path.length - 1]!] = value;
        check(() => {
          const read = taxonomyFromJSON(file);
          expect(writeTaxonomy(readTaxonomy(writeTaxonomy(read)))).toBe(writeTaxonomy(read));
        });
      }),
      { numRuns: 2000 },
    );
  });

  it('a good text with bytes changed, left out or doubled: only the named error', () => {
    const bytes = new TextEncoder().encode(JSON.stringify(good()));
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.nat(255), fc.constantFrom('set', 'cut', 'double'), (at, byte, how) => {
        const copy = how === 'set' ? bytes.slice() : how === 'cut' ? bytes.slice(0, at) : Uint8Array.from([...bytes.slice(0, at), ...bytes.slice(Math.max(0, at - 20))]); // prettier-ignore
        if (how === 'set') copy[at] = byte;
        check(() => readTaxonomy(copy));
      }),
      { numRuns: 1000 },
    );
  });
});

describe('the published JSON Schema', () => {
  const published = JSON.parse(readFileSync(new URL('../../sdk/taxonomy/file/taxonomy.schema.json', import.meta.url), 'utf8')) as Record<string, unknown>; // prettier-ignore
  const definitions = published['$defs'] as Record<string, unknown>;
  /** Without words, with references put in place. */
  const plain = (value: unknown, inProperties = false): unknown => {
    if (Array.isArray(value)) return value.map((item) => plain(item));
    if (typeof value !== 'object' || value === null) return value;
    const { $ref } = value as { $ref?: string };
    if (typeof $ref === 'string') return plain(definitions[$ref.replace('#/$defs/', '')]);
    const words = inProperties ? [] : ['description', 'title', '$defs', '$schema', 'propertyNames'];
    return Object.fromEntries(Object.entries(value).filter(([key]) => !words.includes(key)).map(([key, item]) => [key, plain(item, key === 'properties' && !inProperties)])); // prettier-ignore
  };

  it('says what the reader’s schema says', () => {
    const generated = toJsonSchema(taxonomyFile, { target: 'draft-2020-12', errorMode: 'ignore' });
    expect(plain(published)).toEqual(plain(generated));
  });

  it('has words for every property', () => {
    const wordless: string[] = [];
    const walk = (value: unknown, path: string): void => {
      if (typeof value !== 'object' || value === null) return;
      for (const [name, item] of Object.entries((value as { properties?: object }).properties ?? {})) {
        const { description, $ref } = item as { description?: string; $ref?: string };
        const own = description ?? ($ref && (definitions[$ref.replace('#/$defs/', '')] as { description?: string }).description);
        if (!own) wordless.push(`${path}.${name}`);
      }
      for (const [key, item] of Object.entries(value)) walk(item, `${path}.${key}`);
    };
    walk(published, '');
    expect(wordless).toEqual([]);
  });
});

describe.skipIf(!hasSharedData)(`UniDet’s label spaces${hasSharedData ? '' : ` (${noSharedData})`}`, () => {
  it('945 labels become 701 learned and 659 by an expert', () => {
    const [learned, manual] = [unidetTaxonomy('learned_mAP'), unidetTaxonomy('manual')];
    expect(learned.datasets.map(({ size }) => size)).toEqual([80, 365, 500]);
    expect(learned.mapping.sources).toBe(945);
    expect([learned.unified.size, manual.unified.size]).toEqual([701, 659]);
    for (const name of ['Mouse', 'Bench']) expect(learned.unified.dataset('oid').allByName(name).length).toBe(2);
    expect(() => learned.unified.unifiedOf('oid', 'Mouse')).toThrow(/"\/m\/04rmv".*"\/m\/020lf"/u);
    expect(learned.unified.unifiedOf('oid', { id: '/m/020lf' })).toBe(learned.unified.unifiedOf('coco', 'mouse'));
    expect(manual.unified.unifiedOf('oid', { id: '/m/04rmv' })).toBe(manual.unified.unifiedOf('coco', 'mouse'));
  });

  it.each(['learned_mAP', 'manual'] as const)(
    '%s comes back from its file; the two names that stand twice are all the warnings',
    (name) => {
      const made = unidetTaxonomy(name);
      const text = writeTaxonomy(made);
      const { problems, taxonomy: read } = validateTaxonomy(text);
      const inDatasets = problems.filter(({ path }) => path[0] === 'datasets');
      expect(inDatasets.map(({ code, found }) => [code, found.split(',')[0]])).toEqual([['duplicate-name', '"Bench"'], ['duplicate-name', '"Mouse"']]); // prettier-ignore
      expect(problems.every(({ severity }) => severity === 'warning')).toBe(true);
      expect(writeTaxonomy(read!)).toBe(text);
      expect(read!.unified.labels).toEqual(made.unified.labels);
    },
  );

  it('the printed merge costs sum to what the notebook printed', () => {
    const priced = unidetTaxonomyWithCosts();
    const costs = priced.unified.labels.flatMap(({ cost }) => (cost === undefined ? [] : [cost]));
    // 189 merges; all but those of the OpenImages names that stand twice can be told by name.
    expect(costs.length).toBeGreaterThanOrEqual(187);
    expect(taxonomyToJSON(priced).unified.filter(({ cost }) => cost !== undefined).length).toBe(costs.length);
  });
});
