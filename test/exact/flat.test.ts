/** Nodes without an inside, exactly: one unit in the last place of a bias decides. */
import { describe, expect, it } from 'vitest';
import { domainOf, everywhere } from '../../src/exact/domain.ts';
import { Cone } from '../../src/exact/empty/cone.ts';
import { flatProof } from '../../src/exact/empty/flat.ts';
import { exactConstant } from '../../src/exact/exact.ts';
import { formOf } from '../../src/exact/form/translate.ts';
import { unknownRanges } from '../../src/exact/ranges.ts';
import { NetworkBuilder } from '../../src/network/builder.ts';
import type { TensorId } from '../../src/network/network.ts';

type Side = 0 | 1;

/** Whether no input x puts relu(a · x + b) and relu(c · x + d), or a second layer of one neuron, on these sides; every row is suspected. */
function isFlatWhere(
  {
    weights,
    biases,
    deeper,
  }: { weights: number[]; biases: number[]; deeper?: { row: number[]; bias: number } },
  sides: readonly Side[],
  box?: number,
  suspected: (cone: Cone) => number[] = (cone) => [...Array(cone.rows).keys()],
): boolean {
  const hidden = { weight: weights.map((w) => [w]), bias: biases, activation: 'relu' as const };
  const second = deeper && { weight: [deeper.row], bias: [deeper.bias], activation: 'relu' as const };
  const last = { weight: [new Array(second ? 1 : weights.length).fill(1)] };
  const form = formOf(NetworkBuilder.fromDense([hidden, ...(second ? [second] : []), last]));
  const domain =
    box === undefined
      ? everywhere(1)
      : domainOf(1, { low: Float64Array.of(-1), high: Float64Array.of(box) }, undefined);
  const state = { first: Uint8Array.from(sides), last: Uint8Array.from(sides) };
  const cone = new Cone(form, domain, 0);
  cone.build(state, unknownRanges(form), form.units.at(-1)!.level);
  const rows = suspected(cone);
  const support = { support: Int32Array.from(rows), weights: new Float64Array(rows.length).fill(0.5) };
  return flatProof(form, domain, state, cone, { ...support, count: rows.length }) !== undefined;
}

const NEXT = 2 ** -52;

describe('nodes without an inside', () => {
  it('are those where one hyperplane is on both sides, or hyperplanes are in the wrong order', () => {
    expect(isFlatWhere({ weights: [1, 1], biases: [1, 1] }, [1, 0])).toBe(true);
    expect(isFlatWhere({ weights: [3, 1.5], biases: [1, 0.5] }, [1, 0])).toBe(true);
    expect(isFlatWhere({ weights: [1, 1], biases: [1, 1 + NEXT] }, [1, 0])).toBe(true);
    expect(isFlatWhere({ weights: [1, -1], biases: [1, -1] }, [1, 1])).toBe(true);
  });

  it('are no thin ones', () => {
    expect(isFlatWhere({ weights: [1, 1], biases: [1 + NEXT, 1] }, [1, 0])).toBe(false);
    expect(isFlatWhere({ weights: [1, -1], biases: [1 + NEXT, -1] }, [1, 1])).toBe(false);
    expect(isFlatWhere({ weights: [1, 1], biases: [1, 1] }, [1, 1])).toBe(false);
    // 0.1 · 3 is not 0.3.
    const tenth = (side: Side) => isFlatWhere({ weights: [0.1, 0.3], biases: [1, 3] }, [side, side ? 0 : 1]);
    expect([tenth(0), tenth(1)].filter(Boolean).length).toBe(1);
  });

  it('end where the domain does', () => {
    const outside = (box: number) =>
      isFlatWhere({ weights: [1], biases: [-1] }, [1], box, (cone) => [cone.rows - 2, cone.rows - 1]);
    expect(outside(1)).toBe(true);
    expect(outside(1 + NEXT)).toBe(false);
  });

  it('are seen through layers', () => {
    const deep = (bias: number) =>
      isFlatWhere(
        { weights: [1, 1], biases: [0, 0], deeper: { row: [3, -1], bias } },
        [1, 1, 0],
        undefined,
        (cone) => [cone.rows - 2, cone.rows - 1],
      );
    // 3 x − x > 0 where x > 0.
    expect(deep(0)).toBe(true);
    expect(deep(2 ** -1000)).toBe(true);
    expect(deep(-(2 ** -1000))).toBe(false);
  });
});

describe('whole numbers stay whole', () => {
  const shrink = { name: 'soft-shrink', threshold: 1 } as const;
  const leaky = { name: 'leaky-relu', slope: 3 } as const;

  it('where pieces meet in what two units cancel', async () => {
    // 2 s(x + 1) − s(x + 1): 1.
    const network = NetworkBuilder.fromDense([
      { weight: [[1], [1]], bias: [1, 1], activation: shrink },
      { weight: [[2, -1]], bias: [0] },
    ]);
    const { status, upper } = await exactConstant(network);
    expect([status, upper < 1 + 2e-6]).toEqual(['exact', true]);
  });

  it('in maxima', async () => {
    const builder = new NetworkBuilder('maxima');
    const affine = (x: TensorId, outputs: number, inputs: number, weight: number[], bias?: number[]) =>
      builder.add(
        '',
        {
          ...{ kind: 'affine', outputs, inputs, weight: Float64Array.from(weight) },
          ...(bias && { bias: Float64Array.from(bias) }),
        },
        [x],
      );
    const bent = builder.add('', { kind: 'nonlinearity', function: leaky }, [builder.input('x', [1])]);
    const windows = [Int32Array.of(0, 1), Int32Array.of(0, 1)];
    const most = builder.add('', { kind: 'max-gather', windows }, [affine(bent, 2, 1, [-2, 2])]);
    const network = builder.build(affine(most, 3, 2, [-1, -2, -2, 2, 2, -1], [0, 1, 0]));
    // Both maxima are 2 |3 x| at most, and ‖(3, 0, 1)‖ = √10.
    const { status, upper } = await exactConstant(network);
    expect(status).toBe('exact');
    expect(upper / (6 * Math.sqrt(10))).toBeCloseTo(1, 5);
  });
});
