/** The command line inside a child: all that a command prints and its exit code, without the start of a process. */
import type { Library } from '../../src/cli/library.ts';
import type { Output } from '../../src/cli/output/terminal.ts';
import { runCommandLine } from '../../src/cli/program.ts';
import * as library from '../../src/node.ts';

export interface Spoken {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

let engine: Promise<library.Engine> | undefined;

/** One engine for all commands of a child. */
export function sharedEngine(): Promise<library.Engine> {
  engine ??= library.createEngine({ engine: 'cpu-wasm', threads: 1 });
  return engine;
}

const shared: Library = {
  ...library,
  createEngine: async () => {
    const open = await sharedEngine();
    return new Proxy(open, {
      get(target, key) {
        if (key === 'close') return async () => {};
        const value: unknown = Reflect.get(target, key, target);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
  },
};

/** Puts something else in the place of parts of the library: a fault that a hunt is to find. */
export function plant(parts: Partial<Library>): void {
  Object.assign(shared, parts);
}

export async function commandLine(argv: readonly string[]): Promise<Spoken> {
  const stdout = recorder();
  const stderr = recorder();
  const code = await runCommandLine(argv, {
    library: async () => shared,
    terminal: { stdout, stderr },
    version: '0',
    signal: new AbortController().signal,
  });
  return { code, stdout: stdout.text(), stderr: stderr.text() };
}

function recorder(): Output & { text(): string } {
  const parts: string[] = [];
  return {
    write: (text) => void parts.push(text),
    interactive: false,
    colour: false,
    columns: 80,
    text: () => parts.join(''),
  };
}
