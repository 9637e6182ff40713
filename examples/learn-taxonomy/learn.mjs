// Learns one label space of two detectors' labels from what they fire at, reviews it as a person would, and learns it again. Run: node learn.mjs
import { writeFile } from 'node:fs/promises';
import { labelSpace } from 'labelweave';
import { candidates, FiringsBuilder, learnReportToHtml, learnReportToText, learnTaxonomy } from 'labelweave/learn';
import { writeTaxonomy } from 'labelweave/taxonomy/file';

// Two data sets. `airplane` and `aeroplane` are one thing under two names; `mouse` is an animal here and a device there.
const street = labelSpace('street', ['car', 'airplane', 'person', 'mouse']);
const home = labelSpace('home', ['aeroplane', 'sofa', 'human', 'mouse']);

// What both heads of a detector say about the boxes of 400 validation images. Real firings come from `labelweave firings`, or from detectors of your own.
const meaning = ['car', 'plane', 'person', 'rodent', 'plane', 'sofa', 'person', 'device'];
const random = numbersFrom(1);
const firings = new FiringsBuilder([street, home]);
for (let id = 0; id < 400; id++) {
  const own = id % 2;
  const truths = { boxes: [], labels: [] };
  const boxes = [];
  const scores = [];
  for (let n = 0; n < 3; n++) {
    const label = Math.floor(random() * 4);
    const box = [n * 100, 10, n * 100 + 80, 90];
    truths.boxes.push(...box);
    truths.labels.push(label);
    boxes.push(...box.map((side) => side + 4 * random()));
    // A label fires where its meaning is; devices look like rodents now and then.
    const seen = meaning[own * 4 + label];
    for (const one of meaning) {
      const alike = one === seen ? 0.6 : one === 'rodent' && seen === 'device' ? 0.2 : 0;
      scores.push(Math.min(1, alike + 0.3 * random()));
    }
  }
  firings.addImage({ dataset: own ? 'home' : 'street', id, width: 300, height: 100, truths, boxes, scores });
}

// Every merge that costs little AP; then the best choice among them.
const found = await candidates(firings.finish());
const first = await learnTaxonomy(found, { name: 'things' });
console.log(learnReportToText(first.report));

// The page shows every merge with its reasons; what a person presses there is a file like this.
const pins = {
  locked: [[{ dataset: 'street', id: 3 }]],
  names: [{ dataset: 'home', id: 2, name: 'person or mannequin' }],
};
const second = await learnTaxonomy(found, { name: 'things', pins });
console.log(`\nwith pins: ${second.taxonomy.unified.labels.map(({ name }) => name).join(', ')}`);

await writeFile('taxonomy.json', writeTaxonomy(second.taxonomy));
await writeFile('review.html', learnReportToHtml(second.report));
console.log('taxonomy.json, review.html');

/** Numbers in 0..1, the same in every run (mulberry32). */
function numbersFrom(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let x = Math.imul(state ^ (state >>> 15), state | 1);
    x = (x + Math.imul(x ^ (x >>> 7), x | 61)) ^ x;
    return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32;
  };
}
