// What the evaluators beside COCO's found odd in their input although they could go on: data, not printed text. Images may have names.

/** One kind of oddity, with how often it was met. */
export interface ProtocolDiagnostic {
  /** Short name that programs branch on; it never changes its meaning. */
  code: string;
  /** What it is and what the evaluator did about it. */
  message: string;
  /** How often. */
  count: number;
  /** The first of them: images, rows, ids or classes, as the message says. */
  examples: (string | number)[];
}

/** Most examples that a diagnostic keeps. */
export const mostExamples = 10;

/** Gathers diagnostics by code. */
export class DiagnosticLog {
  readonly #found = new Map<string, ProtocolDiagnostic>();

  /** Counts one more of a kind. The message of the first call stays. */
  add(code: string, message: string, example: string | number, count = 1): void {
    const known = this.#found.get(code);
    if (!known) this.#found.set(code, { code, message, count, examples: [example] });
    else {
      known.count += count;
      if (known.examples.length < mostExamples) known.examples.push(example);
    }
  }

  /** Takes over what another run found. */
  merge(others: readonly ProtocolDiagnostic[]): void {
    for (const { code, message, count, examples } of others) {
      const known = this.#found.get(code);
      if (!known) this.#found.set(code, { code, message, count, examples: [...examples] });
      else {
        known.count += count;
        known.examples = [...known.examples, ...examples].slice(0, mostExamples);
      }
    }
  }

  /** Copies, in order of their code. */
  list(): ProtocolDiagnostic[] {
    return [...this.#found.values()]
      .sort((a, b) => (a.code < b.code ? -1 : 1))
      .map((entry) => ({ ...entry, examples: [...entry.examples] }));
  }
}
