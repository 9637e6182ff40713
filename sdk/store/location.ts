// Where a file is: an absolute URL, or a path (server hosts) or relative URL (pages). Names only; sdk/store/read.ts reads.
import { ArgumentError, describe } from '../errors.js';

/** Whether the text is an absolute URL. `C:\model` is not: a scheme has at least two characters here. */
export function isUrl(location: string): boolean {
  return /^[a-z][a-z0-9+.-]+:/i.test(location);
}

/** Whether the text is an absolute path, of Windows too. */
function isAbsolutePath(path: string): boolean {
  return /^([\\/]|[a-z]:[\\/])/i.test(path);
}

/**
 * The place of `relative` beside the file `base` (inside it, where `base` ends with a slash), as links in pages work. Both may be URLs or
 * paths. Throws ArgumentError where `base` is a data: or blob: URL, which has no neighbours.
 */
export function resolveLocation(base: string | URL, relative: string): string {
  if (isUrl(relative)) return relative;
  const from = String(base);
  if (isUrl(from)) {
    try {
      return new URL(relative, from).href;
    } catch (cause) {
      throw new ArgumentError({
        thing: `location ${describe(relative)}`,
        found: `a relative name beside ${describe(from)}`,
        wanted: 'a base that has neighbours, such as an http: or file: URL or a path',
        cause,
      });
    }
  }
  if (isAbsolutePath(relative)) return relative;
  const folder = from.slice(0, Math.max(from.lastIndexOf('/'), from.lastIndexOf('\\')) + 1);
  const parts: string[] = [];
  for (const part of (folder + relative).split(/[\\/]/)) {
    if (part === '.') continue;
    if (part === '..' && parts.length > 0 && !['', '..'].includes(parts.at(-1)!)) parts.pop();
    else parts.push(part);
  }
  return parts.join('/');
}

/** A location for messages: without user name and password, at most about 200 characters. */
export function showLocation(location: string | URL): string {
  const text = String(location).replace(/^([a-z][a-z0-9+.-]+:\/\/)[^/@?#]*@/i, '$1');
  return JSON.stringify(text.length > 200 ? `${text.slice(0, 120)}...${text.slice(-40)}` : text);
}
