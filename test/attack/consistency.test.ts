/** Answers that contradict themselves, as the attack looks for them. */
import { describe, expect, it } from 'vitest';
import { contradiction } from '../../attack/consistency.ts';
import type { BoundResult, MethodResult, SearchReport } from '../../src/bounds/result.ts';

const closed: MethodResult = {
  method: 'closed-form',
  rule: 'SN(1)',
  bound: 2,
  log10: Math.log10(2),
  seconds: 0,
};
const failed = { bound: null, log10: null, seconds: 0 } as const;
const search: SearchReport = { status: 'converged', evaluations: 12, gap: 1e-6, over: 10 };
const refined: MethodResult = { method: 'refined', bound: 1.5, log10: Math.log10(1.5), seconds: 0, search };

/** An answer with these rows, of which it says so much. */
function answer(methods: readonly MethodResult[], bound: number | null, multipliers = true): BoundResult {
  return {
    ...{ methods, bound, log10: bound ? Math.log10(bound) : null },
    ...(multipliers ? { multipliers: {} } : {}),
  } as unknown as BoundResult;
}

describe('an answer', () => {
  it('that is consistent has no fault', () => {
    expect(contradiction(answer([closed, refined], 1.5))).toBeUndefined();
    expect(contradiction(answer([closed], 2, false))).toBeUndefined();
    expect(contradiction(answer([], null, false))).toBeUndefined();
    const zero: MethodResult = { ...closed, bound: 0, log10: null };
    const none: MethodResult = {
      method: 'refined',
      ...failed,
      error: 'there is nothing to search: the bound is 0',
    };
    expect(contradiction(answer([zero, none], 0, false))).toBeUndefined();
  });

  it.each<[string, BoundResult]>([
    ['is not the least of its rows', answer([closed, refined], 2)],
    ['has a bound and an error', answer([{ ...closed, error: 'none' }], 2)],
    ['has neither', answer([closed, { method: 'refined', ...failed }], 2, false)],
    [
      'throws its search away',
      answer([closed, { method: 'refined', ...failed, error: 'no gain' }], 2, false),
    ],
    ['loses its multipliers', answer([closed, refined], 1.5, false)],
    [
      'compares one evaluation with none',
      answer([{ ...refined, search: { ...search, evaluations: 1, over: 1 } }], 1.5),
    ],
    [
      'makes margins larger',
      answer([{ ...refined, search: { ...search, margins: { before: 1, after: 3 } } }], 1.5),
    ],
  ])('that %s is a finding', (_, result) => {
    expect(contradiction(result)).toBeTypeOf('string');
  });
});
