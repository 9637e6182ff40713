// labelweave.json: defaults, and one row for each way to be wrong.
import { describe, expect, it } from 'vitest';
import { isLocalName, parseManifest, type ManifestInput } from '../../sdk/graph/manifest.js';
import { manifestExample } from '../../sdk/graph/tfjs/needs-manifest.js';

const decoder = { type: 'centernet', heatmap: 'h', from: 'logit', size: 's', stride: 4, window: 3 } as const;
const manifest = (): ManifestInput => ({
  labelweave: 1,
  name: 'm',
  graph: { format: 'labelweave', file: 'graph.json', weights: ['w.safetensors'] },
  input: { name: 'x', height: 8, width: 16 },
  heads: [{ dataset: 'd', labels: [{ id: 1, name: 'a' }, { id: '/m/02', name: 'a', synonyms: ['b'] }], decoder }],
}); // prettier-ignore

describe('parseManifest', () => {
  it('fills in defaults', () => {
    expect(parseManifest(manifest())).toMatchObject({
      description: '',
      license: '',
      input: { order: 'RGB', mean: [0, 0, 0], std: [1, 1, 1], fit: 'stretch', padValue: 0 },
      nms: null,
    });
  });

  it('accepts the example that messages show', () => {
    expect(parseManifest(JSON.parse(manifestExample)).graph.format).toBe('tfjs');
  });

  it.each<[string, RegExp, (m: ManifestInput) => unknown]>([
    ['nothing', /found undefined/, () => undefined],
    ['a list', /found/, () => []],
    ['another version', /labelweave: found 2; wanted 1/, (m) => ({ ...m, labelweave: 2 })],
    ['no name', /name/, (m) => ({ ...m, name: '' })],
    ['a field that does not exist', /colour/, (m) => ({ ...m, colour: 1 })],
    ['an unknown graph format', /graph\.format: found "onnxx"/, (m) => ({ ...m, graph: { ...m.graph, format: 'onnxx' } })],
    ['no weights', /graph\.weights: found no files/, (m) => ({ ...m, graph: { ...m.graph, weights: [] } })],
    ['a file above the folder', /graph\.file.*inside the folder/, (m) => ({ ...m, graph: { ...m.graph, file: '../graph.json' } })],
    ['a file elsewhere', /graph\.weights\[0\]/, (m) => ({ ...m, graph: { ...m.graph, weights: ['https://example.org/w'] } })],
    ['a height of 0', /input\.height: found 0/, (m) => ({ ...m, input: { ...m.input, height: 0 } })],
    ['a height of text', /input\.height: found "8"/, (m) => ({ ...m, input: { ...m.input, height: '8' } })],
    ['a std of 0', /input\.std\[1\]: found 0/, (m) => ({ ...m, input: { ...m.input, std: [1, 0, 1] } })],
    ['two means', /input\.mean/, (m) => ({ ...m, input: { ...m.input, mean: [0, 0] } })],
    ['another order', /input\.order: found "GRB"/, (m) => ({ ...m, input: { ...m.input, order: 'GRB' } })],
    ['another fit', /input\.fit/, (m) => ({ ...m, input: { ...m.input, fit: 'crop' } })],
    ['no heads', /heads/, (m) => ({ ...m, heads: [] })],
    ['no labels', /heads\[0\]\.labels/, (m) => ({ ...m, heads: [{ ...m.heads[0], labels: [] }] })],
    ['labels as text', /heads\[0\]\.labels\[0\]: found "a"/, (m) => ({ ...m, heads: [{ ...m.heads[0], labels: ['a'] }] })],
    ['an id twice', /heads\[0\]\.labels\[1\]\.id: found 1 again/, (m) => ({ ...m, heads: [{ ...m.heads[0], labels: [{ id: 1, name: 'a' }, { id: 1, name: 'b' }] }] })],
    ['a decoder without type', /heads\[0\]\.decoder\.type: found 3/, (m) => ({ ...m, heads: [{ ...m.heads[0], decoder: { ...decoder, type: 3 } }] })],
    ['a digest that is none', /graph\.sha256\.graph\.json: found "abc"; wanted 64 hexadecimal digits/, (m) => ({ ...m, graph: { ...m.graph, sha256: { 'graph.json': 'abc' } } })],
    ['an IoU of 2', /nms\.iouThreshold: found 2/, (m) => ({ ...m, nms: { iouThreshold: 2, perClass: true } })],
  ])('refuses %s', (_, message, edit) => {
    const run = () => parseManifest(edit(manifest()));
    expect(run).toThrow(expect.objectContaining({ code: 'invalid-model' }));
    expect(run).toThrow(message);
  }); // prettier-ignore
});

describe('isLocalName', () => {
  it.each(['a', 'a.bin', 'sub/a.bin', './a', 'a..b', '...'])('%s', (name) => expect(isLocalName(name)).toBe(true));
  it.each(['', '/a', '\\a', '../a', 'a/../../b', 'a\\..\\b', 'http://h/a', 'file:a', 'c:\\a', 'data:,x'])('not %s', (name) =>
    expect(isLocalName(name)).toBe(false),
  );
});
