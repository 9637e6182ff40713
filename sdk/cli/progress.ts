// One progress line on stderr: rewritten in place on a terminal, silent elsewhere.

export interface Progress {
  /** Shows `text`; on a terminal it replaces the line before. */
  show(text: string): void;
  /** A line that stays. */
  note(text: string): void;
  /** Clears the line. */
  done(): void;
}

export function createProgress(quiet: boolean, stream: NodeJS.WriteStream = process.stderr): Progress {
  const live = !quiet && stream.isTTY === true;
  let shown = false;
  const clear = () => {
    if (shown) stream.write('\r\u001b[2K');
    shown = false;
  };
  return {
    show(text) {
      if (!live) return;
      clear();
      stream.write(text.slice(0, (stream.columns ?? 80) - 1));
      shown = true;
    },
    note(text) {
      clear();
      stream.write(`${text}\n`);
    },
    done: clear,
  };
}
