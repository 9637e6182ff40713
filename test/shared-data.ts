// Finds the folder of shared test data that stands beside a developer's checkout; it is not part of the repository.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../shared/data/', import.meta.url));

/** Whether the shared data is here. Tests that need it name the reason when it is not. */
export const hasSharedData = existsSync(root);

/** Reason printed in the name of a skipped suite. */
export const noSharedData = 'shared test data (../shared/data) is absent';

/** Path of a file of the shared data. Throws where the folder is there but the file is not: a missing file is a mistake, not a reason to skip. */
export function sharedData(path: string): string {
  const full = root + path;
  if (!existsSync(full)) throw new Error(`shared test data: found no ${path}; wanted it under ../shared/data.`);
  return full;
}
