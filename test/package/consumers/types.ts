// A user's program for the compiler only: typed labels, options, results; names nothing of the DOM or of Node.
import { LabelweaveError, loadDetector, type Detections, type Detector } from 'labelweave';
import centernet from 'labelweave/models/centernet-mbv3';

export async function main(pixels: Uint8Array, signal: AbortSignal): Promise<string[]> {
  const detector: Detector<'cat' | 'dog'> = await loadDetector(centernet, { labels: ['cat', 'dog'], signal });
  const image = { data: pixels, width: 4, height: 4, channels: 3 as const };
  const detections: Detections<'cat' | 'dog'> = await detector.detect(image, { scoreThreshold: 0.5, maxDetections: 10, signal });
  const names: string[] = [];
  for (const { label, score, box } of detections) {
    if (label === 'cat' && score > 0.5) names.push(`${label} ${box[0]}`);
    // @ts-expect-error: 'horse' is not one of the labels of this detector
    if (label === 'horse') names.push(label);
  }
  detector.dispose();
  return names;
}

export const isOurs = (error: unknown): error is LabelweaveError => error instanceof LabelweaveError;
