// Whether engines find the same objects: no time is taken before they do.

/** What float32 sums in another order may change: a score by 1e-4, a box by 0.05 pixels at 512 x 512. */
export const SCORE_TOLERANCE = 1e-4;
export const BOX_TOLERANCE = 0.05;

const name = ({ engine, threads }) => (threads === undefined ? engine.title : `${engine.title} at ${threads} threads`);

/**
 * Every engine must find what the first one finds; detections within the tolerance of the threshold may come or go.
 * @param {{ engine: { title: string }, threads?: number, opened: { detections: { label: number, score: number, box: number[] }[] } }[]} lanes
 */
export function checkAgreement(lanes, { image, threshold }) {
  const reference = lanes[0].opened.detections;
  if (reference.length === 0)
    throw new Error('agreement: found no detection in the image; wanted a picture with objects, see --image.');
  for (const { engine, threads, opened } of lanes) {
    for (const [found, wanted] of [
      [opened.detections, reference],
      [reference, opened.detections],
    ]) {
      for (const detection of wanted) {
        if (detection.score <= threshold + SCORE_TOLERANCE) continue;
        if (!found.some((other) => sameDetection(other, detection, image))) {
          throw new Error(
            `agreement: ${name({ engine, threads })} and ${name(lanes[0])} differ: found no partner of ${JSON.stringify(detection)} in ${JSON.stringify(found)}.`,
          );
        }
      }
    }
  }
}

/** Boxes are compared inside the image: labelweave cuts them there, the peers do not. */
function sameDetection(a, b, image) {
  const inside = ({ box }) => box.map((v, i) => Math.min(Math.max(v, 0), i % 2 ? image.height : image.width));
  const [boxA, boxB] = [inside(a), inside(b)];
  return (
    a.label === b.label &&
    Math.abs(a.score - b.score) <= SCORE_TOLERANCE &&
    boxA.every((side, i) => Math.abs(side - boxB[i]) <= BOX_TOLERANCE)
  );
}
