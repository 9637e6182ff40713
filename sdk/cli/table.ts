// The table that `labelweave detect` prints for one image.
import { type Detections, FusedDetections } from 'labelweave';

/** Columns: label, score, box corners in source pixels; with several models also what each of them said. */
export function formatTable(file: string, detections: Detections, ms: number): string {
  const heading = `${file}  ${detections.imageWidth}x${detections.imageHeight}, ${detections.length} ${detections.length === 1 ? 'object' : 'objects'}, ${ms.toFixed(0)} ms`;
  if (detections.length === 0) return heading;
  const rows = [...detections].map(({ label, score, box }) => [label, score.toFixed(3), ...box.map((v) => v.toFixed(1))]);
  const header = ['label', 'score', 'x1', 'y1', 'x2', 'y2'];
  const widths = header.map((name, i) => Math.max(name.length, ...rows.map((row) => row[i]!.length)));
  const line = (row: readonly string[]) =>
    `  ${row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join('  ')}`.trimEnd();
  const fused = detections instanceof FusedDetections ? detections : undefined;
  const said = [...(fused ?? [])].map(({ broader, support }) => {
    const models = support.map(
      ({ labels, score }) => `${labels.map(({ dataset, name }) => `${dataset}: ${name}`).join(' or ')} ${score.toFixed(2)}`,
    );
    return `  ${models.join(', ')}${broader.length ? ` (also ${broader.join(', ')})` : ''}`;
  });
  return [
    heading,
    line(header) + (fused ? '  what the models say' : ''),
    ...rows.map((row, i) => line(row) + (said[i] ?? '')),
  ].join('\n');
}
