/** When the last pass is made again for what float32 costs: never where a pass in float64 would take too long anyway. */
import { describe, expect, it } from 'vitest';
import { type Repetition, repeatedRows } from '../../src/bounds/runs/repetition.ts';
import type { Row } from '../../src/bounds/runs/rows.ts';
import type { BoundTask } from '../../src/bounds/task.ts';
import { programCost } from '../../src/ellipsoid/memory/cost.ts';
import { NetworkBuilder } from '../../src/network/builder.ts';
import { simplify } from '../../src/network/simplify/simplify.ts';
import { compile } from '../../src/program/compile.ts';
import { scaled } from '../../src/scaled.ts';
import { RELU } from '../support/signals.ts';

/** Images of many samples: cheap to write down, not to bound. */
function program(side: number) {
  const builder = new NetworkBuilder('many samples');
  let output = builder.input('x', [48, side, side]);
  for (let layer = 0; layer < 3; layer++) {
    const weight = Float64Array.from({ length: 48 * 48 }, (_, k) => Math.sin(k + layer));
    const shape = { outputs: 48, inputs: 48, groups: 1, kernel: [1, 1], stride: [1, 1], dilation: [1, 1] };
    const padding = { mode: 'zero', before: [0, 0], after: [0, 0] } as const;
    output = builder.add('', { kind: 'convolution', ...shape, padding, weight }, [output]);
    output = builder.add('', RELU, [output]);
  }
  return compile(simplify(builder.build(output)));
}

function repeated(
  side: number,
  factor: number | undefined,
): Promise<Repetition> & { readonly calls: number } {
  let calls = 0;
  const row = {
    method: 'closed-form',
    seconds: 1,
    ...(factor && { value: scaled(2), outcome: { inflation: { factor, layers: [] } } }),
    program: program(side),
    again: async () => {
      calls++;
      return { squared: scaled(4) };
    },
  } as unknown as Row;
  const task = {
    query: { inflationLimit: 0.05 },
    rounding: { coarse: true },
    deadline: { over: false },
  } as unknown as BoundTask;
  const answer = repeatedRows(task, [row]);
  return Object.defineProperty(answer, 'calls', { get: () => calls }) as typeof answer & { calls: number };
}

describe('a pass in float64', () => {
  it('is too long for large images alone', () => {
    expect(programCost(program(4))).toBeLessThan(2e12);
    expect(programCost(program(1024))).toBeGreaterThan(2e12);
  });

  it('that takes too long is not weighed by a pass in float32', async () => {
    const answer = repeated(1024, 1.5);
    const { rows, note } = await answer;
    expect(answer.calls).toBe(0);
    expect(rows.length).toBe(1);
    expect(note).toMatch(/^rounding in float32 adds 50 % or less; .*takes too long.*choose the engine cpu/);
    const nothing = repeated(1024, undefined);
    expect((await nothing).note).toMatch(/^in float32 rounding lets no bound stand; .*takes too long/);
    expect(nothing.calls).toBe(0);
  });

  it('is weighed where it could be made', async () => {
    const answer = repeated(4, 1.5);
    const { note } = await answer;
    expect(answer.calls).toBe(1);
    expect(note).toBeUndefined();
  });
});
