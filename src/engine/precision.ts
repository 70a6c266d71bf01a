import type { Engine } from './engine.ts';

/** Bytes that an engine holds a number in: those of float32, unless it computes more finely. */
export function bytesPerNumber({ information }: Engine): 4 | 8 {
  return information.unitRoundoff > 2 ** -40 ? 4 : 8;
}
