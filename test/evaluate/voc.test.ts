// Pascal VOC: the published answers of Padilla's tool, py-faster-rcnn's rules one by one, and the files of VOC 2012.
import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  detectron2IouThresholds,
  evaluateVoc,
  readVocAnnotation,
  readVocDetections,
  type VocBox,
  type VocDetection,
  type VocObject,
  type VocOptions,
} from '../../sdk/evaluate/voc/index.js';
import { hasSharedData, noSharedData, sharedData } from '../shared-data.js';

/** Padilla's files hold `class x y w h` and `class score x y w h`, one file an image. */
function padillaFiles(folder: string): string[][] {
  const path = sharedData(`evaluate/padilla_odm/${folder}`);
  return readdirSync(path).flatMap((file) =>
    readFileSync(`${path}/${file}`, 'utf8')
      .split('\n')
      .filter((line) => line.trim() !== '')
      .map((line) => [file, ...line.trim().split(/\s+/)]),
  );
}
const corners = (numbers: string[]): VocBox => {
  const [x, y, w, h] = numbers.map(Number) as [number, number, number, number];
  return [x, y, x + w, y + h];
};

describe.skipIf(!hasSharedData)(`Padilla's worked example${hasSharedData ? '' : `: ${noSharedData}`}`, () => {
  const objects = hasSharedData
    ? padillaFiles('groundtruths').map(([image, label, ...box]) => ({ image: image!, label: label!, box: corners(box) }))
    : [];
  const detections = hasSharedData
    ? padillaFiles('detections').map(([image, label, score, ...box]) => ({
        image: image!,
        label: label!,
        score: Number(score),
        box: corners(box),
      }))
    : [];
  const expected = hasSharedData ? JSON.parse(readFileSync(sharedData('evaluate/padilla_odm/expected.json'), 'utf8')) : {};

  it.each(Object.entries(expected as Record<string, { person: number }>).map(([name, { person }]) => [name, person] as const))(
    '%s: %d',
    (name, wanted) => {
      const [method, threshold] = name.split('@') as [string, string];
      const result = evaluateVoc(objects, detections, {
        convention: 'padilla',
        interpolation: method === 'eleven_point' ? 'eleven-point' : 'area',
        iouThresholds: [Number(threshold)],
      });
      expect(result.perClass.map(({ label }) => label)).toEqual(['person']);
      expect(result.map).toBe(wanted);
    },
  );

  it('prints the published 24.57 % and 26.84 % at IoU 0.3', () => {
    const percent = (interpolation: 'area' | 'eleven-point') =>
      (evaluateVoc(objects, detections, { convention: 'padilla', interpolation, iouThresholds: [0.3] }).map * 100).toFixed(2);
    expect([percent('area'), percent('eleven-point')]).toEqual(['24.57', '26.84']);
  });
});

describe("detectron2's voc_eval on seeded boxes", () => {
  const { cases } = JSON.parse(readFileSync(new URL('../golden/voc.json', import.meta.url), 'utf8')) as {
    cases: { objects: VocObject[]; detections: VocDetection[]; expected: Record<string, number> }[];
  };
  it.each(cases.map((entry, i) => [i, entry] as const))(
    'set %d: every number to the last bit',
    (_, { objects, detections, expected }) => {
      for (const [name, wanted] of Object.entries(expected)) {
        const [, eleven, percent] = /^(True|False)(\d+)$/.exec(name)!;
        const result = evaluateVoc(objects, detections, {
          interpolation: eleven === 'True' ? 'eleven-point' : 'area',
          iouThresholds: [Number(percent) / 100],
        });
        expect([name, result.map]).toEqual([name, wanted]);
      }
    },
  );
});

interface Row {
  why: string;
  objects: VocBox[];
  difficult?: number[];
  /** Score falls from row to row where not given. */
  detections: VocBox[];
  scores?: number[];
  threshold?: number;
  /** true positives, false positives */
  voc: [number, number];
  padilla?: [number, number];
}

const unit: VocBox = [0, 0, 9, 9];
/** 10 x 10 pixels over 10 x 5 pixels: IoU 50/100, exactly 0.5. */
const half: VocBox = [0, 0, 9, 4];

const rules: Row[] = [
  { why: 'the same box', objects: [unit], detections: [unit], voc: [1, 0] },
  {
    why: 'the threshold itself is no match for VOC, one for Padilla',
    objects: [unit],
    detections: [half],
    voc: [0, 1],
    padilla: [1, 0],
  },
  { why: 'above it is one for both', objects: [unit], detections: [[0, 0, 9, 5]], voc: [1, 0] },
  {
    why: 'corners belong to the box: a box of one pixel has area 1',
    objects: [[3, 3, 3, 3]],
    detections: [[3, 3, 3, 3]],
    voc: [1, 0],
  },
  { why: 'a second detection of an object is false', objects: [unit], detections: [unit, unit], voc: [1, 1] },
  {
    why: 'only the best object is looked at: no second choice',
    objects: [unit, [0, 0, 9, 7]],
    detections: [unit, unit],
    voc: [1, 1],
  },
  {
    why: 'a difficult object is neither hit nor miss for VOC',
    objects: [unit],
    difficult: [0],
    detections: [unit, unit],
    voc: [0, 0],
    padilla: [1, 1],
  },
  {
    why: 'of equal overlaps the first object is taken',
    objects: [unit, unit],
    difficult: [0],
    detections: [unit],
    voc: [0, 0],
    padilla: [1, 0],
  },
  { why: 'the better score comes first', objects: [unit], detections: [[0, 0, 9, 6], unit], scores: [0.1, 0.9], voc: [1, 1] },
  {
    why: 'a gap below one pixel overlaps for VOC, not for Padilla',
    objects: [[0, 0, 9, 9]],
    detections: [[9.5, 0, 19, 9]],
    threshold: 0.01,
    voc: [1, 0],
    padilla: [0, 1],
  },
  { why: 'no overlap is no match at threshold 0', objects: [unit], detections: [[50, 50, 60, 60]], threshold: 0, voc: [0, 1] },
  { why: 'no objects', objects: [], detections: [unit], voc: [0, 1] },
];

const inImage = (boxes: VocBox[], difficult: number[] = []): VocObject[] =>
  boxes.map((box, i) => ({ image: 'a', label: 'cat', box, difficult: difficult.includes(i) }));
const found = (boxes: VocBox[], scores: number[] = []): VocDetection[] =>
  boxes.map((box, i) => ({ image: 'a', label: 'cat', score: scores[i] ?? 0.9 - i / 100, box }));

describe('evaluateVoc', () => {
  for (const convention of ['voc', 'padilla'] as const) {
    it.each(rules)(`${convention}: $why`, ({ objects, difficult, detections, scores, threshold = 0.5, voc, padilla = voc }) => {
      const options: VocOptions = { convention, interpolation: 'area', iouThresholds: [threshold] };
      const { tp, fp } = evaluateVoc(inImage(objects, difficult), found(detections, scores), options).perClass[0]!.curves[0]!;
      expect([tp, fp]).toEqual(convention === 'voc' ? voc : padilla);
    });
  }

  it('eleven points and area, by hand', () => {
    // Two objects; hit, miss, hit: recall 1/2 at precision 1, recall 1 at precision 2/3.
    const objects = [...inImage([unit]), { image: 'b', label: 'cat', box: unit }];
    const detections = [...found([unit, [50, 50, 60, 60]]), { image: 'b', label: 'cat', score: 0.1, box: unit }];
    expect(evaluateVoc(objects, detections, { interpolation: 'area' }).map).toBe(0.5 + 0.5 * (2 / 3));
    // Recall 0 to 0.5 are six levels, the other five see 2/3.
    expect(evaluateVoc(objects, detections, { interpolation: 'eleven-point' }).map).toBeCloseTo((6 + 5 * (2 / 3)) / 11, 14);
  });

  it('gives one mean a threshold, over classes that have objects', () => {
    const objects = [...inImage([unit]), { image: 'a', label: 'dog', box: unit, difficult: true }];
    const result = evaluateVoc(objects, found([[0, 0, 9, 7]]), { interpolation: 'area', iouThresholds: detectron2IouThresholds });
    // 80 of 100 pixels: a match below 0.8 only; 0.8 itself is no match.
    expect(result.meanAp).toEqual([1, 1, 1, 1, 1, 1, 0, 0, 0, 0]);
    expect(result.map).toBe(0.6);
    expect(result.perClass[1]).toMatchObject({
      label: 'dog',
      positives: 0,
      difficult: 1,
      curves: [{ ap: Number.NaN }, {}, {}, {}, {}, {}, {}, {}, {}, {}],
    });
    expect(result.diagnostics.map(({ code, examples }) => [code, examples])).toEqual([['class-without-objects', ['dog']]]);
  });

  it('says what it left out and where ranks are open', () => {
    const result = evaluateVoc(
      [...inImage([unit]), { image: 'a', label: 'eel', box: unit }, { image: 'z', label: 'cat', box: unit }],
      [...found([unit, unit], [0.5, 0.5]), { image: 'a', label: 'eel', score: 1, box: unit }],
      { interpolation: 'area', classes: ['cat'], images: ['a'] },
    );
    expect(result.map).toBe(1);
    expect(result.diagnostics.map(({ code, examples }) => [code, examples])).toEqual([
      ['detection-of-unknown-class', ['eel']],
      ['equal-scores', ['cat']],
      ['object-of-unknown-class', ['eel']],
      ['object-of-unknown-image', [2]],
    ]);
  });

  it('is between 0 and 1, rises with every added hit, and falls with no higher threshold', () => {
    const coordinate = fc.integer({ min: 0, max: 12 });
    const box = fc.tuple(coordinate, coordinate, coordinate, coordinate).map(([x, y, w, h]): VocBox => [x, y, x + w, y + h]);
    const image = fc.constantFrom('a', 'b');
    const object = fc.record({ image, label: fc.constant('cat'), box, difficult: fc.boolean() });
    const detection = fc.record({ image, label: fc.constant('cat'), box, score: fc.double({ min: 0, max: 1, noNaN: true }) });
    fc.assert(
      fc.property(
        fc.array(object, { maxLength: 6 }),
        fc.array(detection, { maxLength: 10 }),
        fc.constantFrom('voc', 'padilla'),
        (objects, detections, convention) => {
          const result = evaluateVoc(objects, detections, {
            convention: convention as 'voc',
            interpolation: 'area',
            iouThresholds: [0.3, 0.5, 0.7],
            classes: ['cat'],
          });
          const [{ positives, curves }] = result.perClass as [(typeof result.perClass)[0]];
          for (const { ap, tp, recall, precision } of curves) {
            if (positives === 0) expect(ap).toBeNaN();
            else expect(ap >= 0 && ap <= 1).toBe(true);
            expect(tp).toBeLessThanOrEqual(positives);
            if (positives > 0) expect([...recall]).toEqual([...recall].sort((a, b) => a - b));
            expect(precision.every((value) => value >= 0 && value <= 1)).toBe(true);
          }
          expect(curves[2]!.tp).toBeLessThanOrEqual(curves[0]!.tp);
        },
      ),
    );
  });

  it.each([
    [
      'a NaN score',
      () => evaluateVoc([], found([unit], [Number.NaN]), { interpolation: 'area' }),
      /detection 0: found score NaN/,
    ],
    [
      'a box of three numbers',
      () => evaluateVoc([], found([[1, 2, 3] as never]), { interpolation: 'area' }),
      /detection 0: found box \[1, 2, 3\]/,
    ],
    [
      'an infinite object',
      () => evaluateVoc(inImage([[0, 0, Infinity, 1]]), [], { interpolation: 'area' }),
      /object 0: found box/,
    ],
    [
      'an unknown image',
      () => evaluateVoc([], found([unit]), { interpolation: 'area', images: ['b'] }),
      /image "a"; wanted one of the 1 images/,
    ],
    ['no interpolation', () => evaluateVoc([], [], {} as never), /"eleven-point" or "area"/],
    ['a threshold of 50', () => evaluateVoc([], [], { interpolation: 'area', iouThresholds: [50] }), /iouThresholds: found 50/],
    [
      'an unknown convention',
      () => evaluateVoc([], [], { interpolation: 'area', convention: 'coco' as never }),
      /"voc" or "padilla"/,
    ],
  ])('refuses %s', (_, run, message) => expect(run).toThrow(message));
});

describe('VOC files', () => {
  it.skipIf(!hasSharedData)(`reads 100 annotations of VOC 2012${hasSharedData ? '' : `: ${noSharedData}`}`, () => {
    const instances = JSON.parse(readFileSync(sharedData('voc-100/instances.json'), 'utf8'));
    const folder = sharedData('voc-100/annotations');
    const names = new Map<number, string>(instances.categories.map(({ id, name }: { id: number; name: string }) => [id, name]));
    const read = instances.images.flatMap(
      ({ file_name, width, height }: { file_name: string; width: number; height: number }) => {
        const annotation = readVocAnnotation(readFileSync(`${folder}/${file_name.replace('.jpg', '.xml')}`, 'utf8'));
        expect(annotation).toMatchObject({ fileName: file_name, width, height });
        return annotation.objects;
      },
    ) as VocObject[];
    const wanted = instances.annotations.map((entry: { category_id: number; bbox: number[]; difficult: number }) => {
      const [x, y, w, h] = entry.bbox as [number, number, number, number];
      return { label: names.get(entry.category_id), box: [x, y, x + w, y + h], difficult: entry.difficult === 1 };
    });
    expect(read.map(({ label, box, difficult }) => ({ label, box, difficult }))).toEqual(wanted);
    expect(read.length).toBe(273);

    // The ground truth as its own answer is perfect, difficult objects or not.
    const detections = read.map((object, i) => ({ ...object, score: 1 - i / 1000 }));
    for (const interpolation of ['eleven-point', 'area'] as const) {
      expect(evaluateVoc(read, detections, { interpolation, iouThresholds: detectron2IouThresholds }).map).toBeCloseTo(1, 14);
    }
  });

  const annotation = (inside: string) => `<?xml version="1.0"?><annotation><filename>a.b.jpg</filename>${inside}</annotation>`;
  const box = '<bndbox><xmin>1</xmin><ymin>2</ymin><xmax>3.5</xmax><ymax> 4 </ymax></bndbox>';

  it('leaves out parts, comments and attributes, and reads entities', () => {
    const xml = annotation(
      `<!-- <object/> --><object id="1">${box}<name>cat &amp; <![CDATA[<dog>]]>&#33;</name><difficult>1</difficult>
       <part><name>head</name><bndbox><xmin>9</xmin></bndbox></part></object>`,
    );
    expect(readVocAnnotation(xml)).toEqual({
      image: 'a.b',
      fileName: 'a.b.jpg',
      width: undefined,
      height: undefined,
      objects: [{ image: 'a.b', label: 'cat &<dog>!', box: [1, 2, 3.5, 4], difficult: true, truncated: false, pose: undefined }],
    });
    expect(readVocAnnotation(xml, 'other').image).toBe('other');
  });

  it.each([
    ['a cut file', `<annotation><object>`, /the end of the file; wanted <\/object>/],
    ['crossed tags', `<annotation><a></annotation></a>`, /<\/annotation> at character 15; wanted <\/a>/],
    ['no XML', `{"a": 1}`, /0 root elements/],
    ['another root', `<html></html>`, /root element <html>/],
    ['an object without name', annotation(`<object>${box}</object>`), /image a.b, object 0: found <object> without <name>/],
    ['an object without box', annotation('<object><name>cat</name></object>'), /without <bndbox>/],
    ['a missing corner', annotation('<object><name>cat</name><bndbox><xmin>1</xmin></bndbox></object>'), /<ymin> missing/],
    ['a corner that is no number', annotation(`<object><name>cat</name>${box.replace('3.5', 'wide')}</object>`), /<xmax> "wide"/],
    ['no file name', '<annotation></annotation>', /no <filename>/],
  ])('refuses %s', (_, xml, message) => {
    expect(() => readVocAnnotation(xml)).toThrow(message);
    expect(() => readVocAnnotation(xml)).toThrow(expect.objectContaining({ code: 'invalid-ground-truth' }));
  });

  it('never hangs or fails otherwise, whatever it is given', () => {
    const piece = fc.constantFrom(
      '<annotation>',
      '</annotation>',
      '<object>',
      '</object>',
      '<',
      '>',
      '&amp;',
      '<!--',
      '-->',
      '<![CDATA[',
      ']]>',
      'x',
      box,
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 14 }), (pieces) => {
        try {
          readVocAnnotation(pieces.join(''), 'a');
        } catch (error) {
          expect(error).toMatchObject({ code: 'invalid-ground-truth' });
        }
      }),
    );
  });

  it('reads detection lists', () => {
    expect(readVocDetections('a 0.5 1 2 3 4\r\n\nb 1e-3 0 0 1 1.5\n', 'cat')).toEqual([
      { image: 'a', label: 'cat', score: 0.5, box: [1, 2, 3, 4] },
      { image: 'b', label: 'cat', score: 0.001, box: [0, 0, 1, 1.5] },
    ]);
    expect(() => readVocDetections('a 0.5 1 2 3', 'cat')).toThrow(/detections of "cat", line 1: found "a 0.5 1 2 3"/);
    expect(() => readVocDetections('\na x 1 2 3 4', 'cat')).toThrow(/line 2/);
  });
});
