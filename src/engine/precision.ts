/** The two precisions that engines compute in. */
import type { Engine, EngineInformation } from './engine.ts';

export type Precision = 'single' | 'double';

/** Unit roundoffs. Single is that of float32 where results are not rounded to the nearest number, as GPUs need not do. */
export const unitRoundoffs: Readonly<Record<Precision, number>> = { single: 2 ** -23, double: 2 ** -53 };

/** The precision of an engine's arithmetic. */
export function precisionOf({ unitRoundoff }: Pick<EngineInformation, 'unitRoundoff'>): Precision {
  return unitRoundoff <= unitRoundoffs.double ? 'double' : 'single';
}

/** Bytes that an engine holds a number in. */
export function bytesPerNumber({ information }: Pick<Engine, 'information'>): 4 | 8 {
  return precisionOf(information) === 'single' ? 4 : 8;
}
