// Learns a label space of firings that are written and read back: the same words in every host.
import { labelSpace } from 'labelweave';
import {
  candidates,
  FiringsBuilder,
  learnReportToHtml,
  learnReportToText,
  learnTaxonomy,
  readFirings,
  solve,
  writeFirings,
} from 'labelweave/learn';

const a = labelSpace('a', ['cat', 'sofa', 'tree']);
const b = labelSpace('b', ['couch', 'kitten', 'car']);
/** Thing by label of both: 0 cat, 1 sofa, 2 tree, 3 car. */
const things = [0, 1, 2, 1, 0, 3];

/** What was learnt, as plain values. */
export async function learnLabels() {
  const builder = new FiringsBuilder([a, b]);
  for (let n = 0; n < 60; n++) {
    const label = Math.floor(n / 2) % 3;
    const thing = things[(n % 2) * 3 + label];
    const box = [10 + (n % 7), 10, 60 + (n % 7), 60];
    builder.addImage({
      dataset: n % 2 === 0 ? 'a' : 'b',
      id: n,
      width: 120,
      height: 80,
      truths: { boxes: box, labels: [label] },
      boxes: box,
      scores: things.map((own, node) => (own === thing ? 0.9 - 0.01 * ((n + node) % 5) : 0.01)),
    });
  }
  const parts = [...writeFirings(builder.finish())].map((part) => part.slice());
  const bytes = new Uint8Array(await new Blob(parts).arrayBuffer());
  const { taxonomy, report, solution } = await learnTaxonomy(await candidates(await readFirings(bytes)));
  const labels = ['a', 'b'].flatMap((dataset) => [0, 1].map((id) => ({ dataset, id, name: `${id}` })));
  const { size, optimal } = await solve([{ members: [0, 3], cost: 0.1 }], { labels });
  let refused = '';
  await solve([{ members: [0, 1], cost: 0.1 }], { labels }).catch(({ name, code }) => (refused = `${name} ${code}`));
  return {
    bytes: bytes.length,
    unified: taxonomy.unified.labels.map(({ name, members }) => `${name} ${JSON.stringify(members)}`),
    objective: solution.objective,
    text: learnReportToText(report),
    page: learnReportToHtml(report).length,
    size,
    optimal,
    refused,
  };
}
