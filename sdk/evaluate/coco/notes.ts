// Gathers diagnostics while an evaluation runs: lists of ids cut to a length, counts complete. No rule of any protocol.
import type { Diagnostic, DiagnosticCode, Severity } from '../types.js';

const mostListed = 100;

interface Note {
  severity: Severity;
  message: string;
  images: Set<number>;
  ids: Set<number>;
  idsAre: 'annotations' | 'categories' | 'rows';
  counts: Record<string, number>;
  corrected: boolean;
}

export class Notes {
  readonly #notes = new Map<DiagnosticCode, Note>();

  /** Adds to the note of this code; the text is that of the first call. */
  add(
    code: DiagnosticCode,
    severity: Severity,
    message: string,
    what: {
      image?: number | undefined;
      id?: number | undefined;
      idsAre?: 'annotations' | 'categories' | 'rows';
      counts?: Readonly<Record<string, number>>;
      corrected?: boolean | undefined;
    } = {},
  ): void {
    let note = this.#notes.get(code);
    if (!note) {
      note = {
        severity,
        message,
        images: new Set(),
        ids: new Set(),
        idsAre: what.idsAre ?? 'rows',
        counts: {},
        corrected: false,
      };
      this.#notes.set(code, note);
    }
    if (what.image !== undefined && note.images.size < mostListed) note.images.add(what.image);
    if (what.id !== undefined && note.ids.size < mostListed) note.ids.add(what.id);
    for (const [name, count] of Object.entries(what.counts ?? {})) note.counts[name] = (note.counts[name] ?? 0) + count;
    if (what.corrected) note.corrected = true;
  }

  has(code: DiagnosticCode): boolean {
    return this.#notes.has(code);
  }

  /** All of another collection, added. */
  take(diagnostics: readonly Diagnostic[]): void {
    for (const { code, severity, message, images, ids, idsAre, counts, corrected } of diagnostics) {
      this.add(code, severity, message, { idsAre, counts, corrected });
      for (const image of images) this.add(code, severity, message, { image });
      for (const id of ids) this.add(code, severity, message, { id });
    }
  }

  list(): Diagnostic[] {
    return Array.from(this.#notes, ([code, note]) => ({
      code,
      severity: note.severity,
      message: note.message,
      images: [...note.images],
      ids: [...note.ids],
      idsAre: note.idsAre,
      counts: note.counts,
      corrected: note.corrected,
    }));
  }
}
