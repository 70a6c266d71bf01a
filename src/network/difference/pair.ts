/** A tensor of two networks on one input: that of B, and where and by how much that of A differs. */
import type { NetworkBuilder } from '../builder.ts';
import type { TensorId } from '../network.ts';

export interface Pair {
  /** That of B. */
  readonly own: TensorId;
  /** Absent: that of A is the same. */
  readonly other?: Other;
}

/** Tensors are made when they are asked for. */
export interface Other {
  /** Of the first axis; elsewhere both are the same. Undefined: all. */
  readonly channels: Int32Array | undefined;
  /** A's, on these channels. */
  readonly value: () => TensorId;
  /** A's less B's, on these channels. */
  readonly minus: () => TensorId;
}

export function lazily(make: () => TensorId): () => TensorId {
  let made: TensorId | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

/** Channels of a tensor; undefined: all. */
export function picked(
  builder: NetworkBuilder,
  name: string,
  tensor: TensorId,
  channels: Int32Array | undefined,
): TensorId {
  return channels ? builder.add(name, { kind: 'gather', sources: channels }, [tensor]) : tensor;
}

/** All channels of A's tensor. */
export function wholeValue(builder: NetworkBuilder, name: string, { own, other }: Pair): TensorId {
  if (!other) return own;
  const { channels, value } = other;
  if (!channels) return value();
  const all = builder.shape(own)[0]!;
  const sources = Int32Array.from({ length: all }, (_, k) => k);
  for (const [k, channel] of channels.entries()) sources[channel] = all + k;
  const both = builder.add(name, { kind: 'concat' }, [own, value()]);
  return builder.add(name, { kind: 'gather', sources }, [both]);
}

/** All channels of A's less B's, zeros among them. */
export function wholeMinus(builder: NetworkBuilder, name: string, { own, other }: Pair): TensorId {
  const all = builder.shape(own)[0]!;
  const sources = new Int32Array(all).fill(-1);
  if (!other) return builder.add(name, { kind: 'gather', sources }, [own]);
  const { channels, minus } = other;
  if (!channels) return minus();
  for (const [k, channel] of channels.entries()) sources[channel] = k;
  return builder.add(name, { kind: 'gather', sources }, [minus()]);
}
