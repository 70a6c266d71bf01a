/** Points that pictures are made of: counterexamples, and where a label leads by least within a ball. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { drawDigits } from '../../examples/digits.ts';
import { distanceAbove } from '../../src/certify/attack/ball.ts';
import { certifySamples } from '../../src/certify/certify.ts';
import type { CertifySamplesOptions } from '../../src/certify/certifySamples.ts';
import { weakestPoint } from '../../src/certify/weakestPoint.ts';
import { loadNetwork } from '../../src/formats/load.browser.ts';
import { evaluate } from '../../src/network/evaluation/evaluate.ts';

const network = await loadNetwork(readFileSync(new URL('../../examples/mlp.onnx', import.meta.url)));
const { values, size, labels } = drawDigits(4, 2);
const samples = Array.from({ length: 4 }, (_, index) => ({
  index,
  input: Float64Array.from(values.subarray(index * size, (index + 1) * size)),
  // The last is wrong.
  label: index === 3 ? 5 : labels[index]!,
}));

/** The label's output minus the largest other. */
function marginAt(x: Float64Array, label: number): number {
  const outputs = evaluate(network, x);
  return outputs[label]! - Math.max(...outputs.filter((_, j) => j !== label));
}

async function certified(options: CertifySamplesOptions) {
  const points = new Map<number, Float64Array>();
  const reports = [];
  const onCounterexample = (index: number, point: Float64Array) => points.set(index, point);
  const steps: string[] = [];
  const onProgress = ({ method }: { method: string }) => steps.push(method);
  const all = { maxRadius: true, evaluations: 0, ...options, onCounterexample, onProgress };
  for await (const report of certifySamples(network, samples, all)) reports.push(report);
  return { points, reports, steps };
}

describe('points of samples', () => {
  it('are told: the nearest counterexample, as far away as it is said to be', async () => {
    const { points, reports, steps } = await certified({ global: false });
    // Nothing was computed of the whole network.
    expect(steps).toEqual([]);
    // Where the input itself is one there is nothing to tell.
    expect([...points.keys()]).toEqual([0, 1, 2]);
    for (const { index, label, attack, radius, stages } of reports.slice(0, 3)) {
      const point = points.get(index)!;
      expect(distanceAbove(point, samples[index]!.input)).toBe(attack);
      expect(marginAt(point, label!)).toBeLessThanOrEqual(0);
      expect(radius).toBeGreaterThan(0);
      expect(stages.radius).toBe('anchored closed form');
    }
  });

  it('have bounds of the whole network where there is nothing else', async () => {
    const { reports, steps } = await certified({ global: false, regions: false });
    expect(steps.length).toBeGreaterThan(0);
    expect(reports.map(({ stages }) => stages.radius)).toEqual(['global', 'global', 'global', undefined]);
  });

  it('lead by less within a ball, and keep to it and to limits', async () => {
    const { input, label } = samples[2]!;
    const before = marginAt(input, label);
    let last = before;
    for (const radius of [0.1, 0.2, 0.3]) {
      const { point, margin } = await weakestPoint(network, { input, label }, radius);
      expect(distanceAbove(point, input)).toBeLessThanOrEqual(radius);
      const there = marginAt(point, label);
      expect(margin!).toBeLessThanOrEqual(there);
      expect(margin!).toBeGreaterThan(there - 1e-9);
      expect(there).toBeLessThan(last);
      last = there;
    }
    const low = Math.min(...input);
    const high = Math.max(...input);
    const options = { limits: { low, high }, from: input.map((x) => x + 1) };
    const { point } = await weakestPoint(network, { input, label }, 0.3, options);
    expect(Math.min(...point)).toBeGreaterThanOrEqual(low);
    expect(Math.max(...point)).toBeLessThanOrEqual(high);
    expect(marginAt(point, label)).toBeLessThan(before);
  });

  it('can be cancelled', async () => {
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(weakestPoint(network, samples[0]!, 0.1, { signal })).rejects.toThrow('enough');
  });
});

it.each([
  [{ label: 10 }, /label: from 0 to 9, got 10/],
  [{ label: 0.5 }, /label: from 0 to 9/],
  [{ input: new Float64Array(3) }, /196 finite numbers, got 3/],
  [{ input: new Float64Array(196).fill(Number.NaN) }, /196 finite numbers/],
])('of nothing that makes sense there is none, case %#', async (changed, why) => {
  await expect(weakestPoint(network, { ...samples[0]!, ...changed }, 0.1)).rejects.toThrow(why);
  await expect(weakestPoint(network, samples[0]!, -1)).rejects.toThrow(/radius: a number from 0 on/);
});
