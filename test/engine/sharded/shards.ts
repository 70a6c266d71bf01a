/** Shards in this process, as test and planted faults need them: what is said is cloned, as between processes. */
import { createEngine } from '../../../src/engine/create.ts';
import type { Engine } from '../../../src/engine/engine.ts';
import type { ChannelListener, OpenChannel } from '../../../src/engine/sharded/channel.ts';
import type { Answer, Command, Message } from '../../../src/engine/sharded/protocol.ts';
import { Shard } from '../../../src/engine/sharded/shard.ts';
import { openShards } from '../../../src/engine/sharded/shardedEngine.ts';

interface Faults {
  /** What shard k does instead of a command. */
  readonly command?: (command: Command, shard: number) => Command;
  /** What is said for shard k instead. */
  readonly answer?: (answer: Answer, shard: number) => Answer;
  readonly listener?: (listener: ChannelListener, shard: number) => void;
}

export interface Traffic {
  messages: number;
  bytes: number;
}

/** @param traffic is counted up */
export function shardsHere(count: number, faults: Faults = {}, traffic?: Traffic): Promise<Engine> {
  const open = (k: number): OpenChannel => {
    return (listener) => {
      faults.listener?.(listener, k);
      const counted = <M>(message: M): M => {
        if (traffic) {
          traffic.messages++;
          traffic.bytes += bytesIn(message);
        }
        return structuredClone(message);
      };
      const answer = (own: Answer) => listener.hear(counted(faults.answer?.(own, k) ?? own));
      const shard = createEngine({ engine: 'cpu-wasm', threads: 1 }).then(
        (engine) => new Shard(engine, (own) => queueMicrotask(() => answer(own))),
      );
      const changed = (message: Message): Message => {
        const { command } = faults;
        if (message.kind !== 'commands' || !command) return message;
        return { ...message, commands: message.commands.map((one) => command(one, k)) };
      };
      return {
        send: (message) => {
          const own = counted(changed(message));
          void shard.then((there) => there.hear(own));
        },
        close: async () => (await shard).close(),
      };
    };
  };
  return openShards(Array.from({ length: count }, (_, k) => open(k)));
}

function bytesIn(value: unknown): number {
  if (ArrayBuffer.isView(value)) return value.byteLength;
  if (typeof value !== 'object' || value === null) return 8;
  return Object.values(value).reduce((sum: number, one) => sum + bytesIn(one), 0);
}
