/** Shards that are processes of their own on this machine. */
import type { ChildProcess } from 'node:child_process';
import { InputError } from '../../errors.ts';
import { importInNode, isNode } from '../cpu/host.ts';
import type { Engine } from '../engine.ts';
import type { ChannelListener, OpenChannel } from './channel.ts';
import type { Answer, Message } from './protocol.ts';
import { openShards } from './shardedEngine.ts';

/** What a process is told first. */
export interface Opening {
  readonly kind: 'open';
  /** Of its engine, as `createEngine` takes them. */
  readonly options: object;
}

/** Characters of what a process complains of. */
const MOST_WORDS = 4000;
/** Milliseconds that a process has to end by itself. */
const PATIENCE = 1000;

/**
 * An engine over so many processes, each with an engine of its own.
 * @param options of each of these; on the CPU each has one thread where nothing is said
 * @param module what they run; default: this library's own
 * @throws InputError where no processes can be started, or one of them cannot make its engine
 */
export async function openProcesses(
  count: number,
  options: object,
  module: URL = ownModule(),
): Promise<Engine> {
  if (!isNode()) throw new InputError('workers: processes are started in Node and Deno, not in a browser');
  const { fork } = await importInNode<typeof import('node:child_process')>('node:child_process');
  const open: OpenChannel = (listener) => {
    const process = fork(module, {
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    return channel(process, { threads: 1, ...options }, listener);
  };
  return openShards(Array.from({ length: count }, () => open));
}

function channel(process: ChildProcess, options: object, listener: ChannelListener) {
  let ending = false;
  let complaint = '';
  process.stderr?.setEncoding('utf8').on('data', (text: string) => {
    complaint = (complaint + text).slice(0, MOST_WORDS);
  });
  const ended = new Promise<string>((resolve) => {
    process.on('exit', (code, signal) => resolve(signal ?? `exit code ${code}`));
  });
  const silent = new Promise((resolve) => process.stderr?.on('close', resolve));
  void Promise.all([ended, silent]).then(([how]) => {
    if (ending) return;
    const why = /^\w*Error: .*$/m.exec(complaint)?.[0];
    listener.lose(`its process has ended (${how}${why ? `, ${why}` : ''})`);
  });
  process.on('error', (error) => listener.lose(`its process does not answer (${error.message})`));
  process.on('message', (answer) => listener.hear(answer as Answer));
  const send = (message: Opening | Message) => {
    // One that has ended says so by itself.
    if (process.connected) process.send(message, () => {});
  };
  send({ kind: 'open', options });
  return {
    send,
    async close() {
      ending = true;
      if (process.exitCode !== null || process.signalCode !== null) return;
      if (process.connected) process.disconnect();
      const timer = setTimeout(() => process.kill('SIGKILL'), PATIENCE);
      await ended;
      clearTimeout(timer);
    },
  };
}

/** Beside this file, once it is built. */
function ownModule(): URL {
  const name = './process.js';
  return new URL(name, import.meta.url);
}
