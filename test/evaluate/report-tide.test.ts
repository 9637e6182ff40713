// TIDE's own answers on COCO's 100 images, boxes and masks.
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { openSamples } from '../../sdk/evaluate/report/samples.js';
import { tideErrors } from '../../sdk/evaluate/report/tide.js';
import { hasSharedData, noSharedData, sharedData } from '../shared-data.js';

/** Percent; both sum the same doubles, in another order. */
const tolerance = 1e-9;

const root = 'evaluate/coco_val2014_fake100/';

describe.skipIf(!hasSharedData)(`TIDE${hasSharedData ? '' : `: ${noSharedData}`}`, () => {
  it.each([
    ['bbox', 'instances_val2014_fakebbox100_results.json', 'expected_tide_bbox.json'],
    ['segm', 'instances_val2014_fakesegm100_results.json', 'expected_tide_mask.json'],
  ] as const)('gives the numbers and counts of the original for %s', async (iouType, results, answers) => {
    const expected = JSON.parse(readFileSync(sharedData(root + answers), 'utf8'));
    const found = tideErrors(
      await openSamples({
        groundTruth: await readFile(sharedData(`${root}instances_val2014_100.json`)),
        detections: await readFile(sharedData(root + results)),
        iouType,
      }),
    );
    const counts = Object.values(expected.counts);
    expect(Object.values(found.counts)).toEqual(counts);
    expect(Math.abs(found.ap50 - expected.AP50)).toBeLessThan(tolerance);
    for (const [kind, value] of Object.entries(expected.main_dAP))
      expect(Math.abs(found.errors[kind as 'Cls'] - (value as number))).toBeLessThan(tolerance);
    expect(Math.abs(found.falsePositives - expected.special_dAP.FalsePos)).toBeLessThan(tolerance);
    expect(Math.abs(found.falseNegatives - expected.special_dAP.FalseNeg)).toBeLessThan(tolerance);
  });
});
