/**
 * Where the command line writes. Names in files, messages and paths come from strangers: what is printed goes through `printLines`,
 * `printDocument` or `redraw`, which let no control character of theirs pass. Nothing else may call `write`.
 */
import { fstatSync, writeSync } from 'node:fs';
import { isatty } from 'node:tty';
import { reasonOf } from '../../files.node.ts';
import { printable, printableJson } from '../../printable.ts';

export interface Terminal {
  readonly stdout: Output;
  readonly stderr: Output;
}

export interface Output {
  /** As it is. @throws OutputError */
  write(text: string): void;
  /** A person is looking: lines may be redrawn. */
  readonly interactive: boolean;
  /** Escape sequences for bold and dim text are understood and wanted. */
  readonly colour: boolean;
  /** Characters in a line. */
  readonly columns: number;
}

/** Nobody gets the answer: the disk is full, or the reader has gone. */
export class OutputError extends Error {
  override readonly name = 'OutputError';
}

/** Text of this program's choice of looks. */
export interface Styled {
  readonly style: 'bold' | 'dim';
  readonly text: string;
}

/** A line, whole or in parts. Whatever control characters are in it, line ends included, are escaped. */
export type Line = string | Styled | readonly (string | Styled)[];

export function bold(text: string): Styled {
  return { style: 'bold', text };
}

export function dim(text: string): Styled {
  return { style: 'dim', text };
}

const SEQUENCES = { bold: ['\u001b[1m', '\u001b[22m'], dim: ['\u001b[2m', '\u001b[22m'] } as const;

export function printLines(to: Output, lines: readonly Line[]): void {
  const text = (part: string | Styled): string => {
    if (typeof part === 'string') return printable(part);
    const [start, end] = to.colour ? SEQUENCES[part.style] : ['', ''];
    return start + printable(part.text) + end;
  };
  const whole = (line: Line) => (isParts(line) ? line.map(text).join('') : text(line));
  to.write(lines.map((line) => `${whole(line)}\n`).join(''));
}

function isParts(line: Line): line is readonly (string | Styled)[] {
  return Array.isArray(line);
}

/** One JSON document. */
export function printDocument(to: Output, document: object): void {
  to.write(`${printableJson(document, 2)}\n`);
}

/** In place of the line that was drawn last; cut where it would wrap, and the next one leave half of it behind. */
export function redraw(to: Output, line: string): void {
  const characters = [...printable(line)];
  const most = to.columns - 1;
  const cut = characters.length <= most ? characters : [...characters.slice(0, Math.max(0, most - 1)), '…'];
  to.write(`\r\u001b[2K${cut.join('')}`);
}

/** The process's own streams; https://no-color.org is honoured. */
export function processTerminal(): Terminal {
  return { stdout: output(process.stdout, 1), stderr: output(process.stderr, 2) };
}

function output(stream: NodeJS.WriteStream, descriptor: 1 | 2): Output {
  const interactive = isatty(descriptor);
  return {
    write: (text) => {
      try {
        writeAll(descriptor, text);
      } catch (error) {
        // Without stderr there is nobody to tell, and the answer is what counts.
        if (descriptor === 1) throw new OutputError(`stdout cannot be written: ${reasonOf(error)}`);
      }
    },
    interactive,
    colour: interactive && !process.env.NO_COLOR && process.env.TERM !== 'dumb',
    // Some pseudo-terminals report a width of 0.
    columns: (interactive && stream.columns) || 80,
  };
}

/** Milliseconds between two attempts where a pipe is full and does not block. */
const RETRY = 5;

/** All of a text, at once: an error is one of this call, not an event of later. */
export function writeAll(descriptor: number, text: string | Uint8Array): void {
  const bytes = typeof text === 'string' ? Buffer.from(text) : text;
  const pause = new Int32Array(new SharedArrayBuffer(4));
  for (let at = 0; at < bytes.length; ) {
    try {
      at += writeSync(descriptor, bytes, at);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      Atomics.wait(pause, 0, 0, RETRY);
    }
  }
}

/** Which of the process's own streams a file is, if it is one. */
export function ownStream(file: { readonly dev: number; readonly ino: number }): 1 | 2 | undefined {
  return ([1, 2] as const).find((descriptor) => {
    try {
      const own = fstatSync(descriptor);
      return own.dev === file.dev && own.ino === file.ino;
    } catch {
      return false;
    }
  });
}
