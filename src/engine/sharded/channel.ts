/** How an engine over several shards reaches one of them. */
import type { Answer, Message } from './protocol.ts';

export interface Channel {
  send(message: Message): void;
  /** Ends the shard, whatever it is at. */
  close(): Promise<void>;
}

export interface ChannelListener {
  hear(answer: Answer): void;
  /** The shard is gone. @param reason in words, without saying which */
  lose(reason: string): void;
}

export type OpenChannel = (listener: ChannelListener) => Channel;
