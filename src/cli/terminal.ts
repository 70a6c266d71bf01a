/** Where the command line writes, and what it may assume about the reader. */
export interface Terminal {
  readonly stdout: Output;
  readonly stderr: Output;
}

export interface Output {
  write(text: string): void;
  /** A person is looking: lines may be redrawn. */
  readonly interactive: boolean;
  /** Escape sequences for bold and dim text are understood and wanted. */
  readonly colour: boolean;
  /** Characters in a line. */
  readonly columns: number;
}

/** The process's own streams; https://no-color.org is honoured. */
export function processTerminal(): Terminal {
  return { stdout: output(process.stdout), stderr: output(process.stderr) };
}

function output(stream: NodeJS.WriteStream): Output {
  const interactive = stream.isTTY === true;
  return {
    write: (text) => void stream.write(text),
    interactive,
    colour: interactive && !process.env.NO_COLOR && process.env.TERM !== 'dumb',
    // Some pseudo-terminals report a width of 0.
    columns: stream.columns || 80,
  };
}

export function bold(text: string, to: Output): string {
  return to.colour ? `\u001b[1m${text}\u001b[22m` : text;
}

export function dim(text: string, to: Output): string {
  return to.colour ? `\u001b[2m${text}\u001b[22m` : text;
}
