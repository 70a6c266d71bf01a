/** ACAS Xu's .nnet files, in normalised and in physical units. */
import { describe, expect, it } from 'vitest';
import { InputError } from '../../../src/errors.ts';
import { loadNetwork } from '../../../src/formats/load.browser.ts';
import { NetworkBuilder } from '../../../src/network/builder.ts';
import { evaluate } from '../../../src/network/evaluation/evaluate.ts';
import type { Network } from '../../../src/network/network.ts';
import { MLP_LAYERS, mlp } from '../files/networks.ts';
import { nnetFile } from '../files/nnet.ts';
import { expectSame } from '../same.ts';

const RANGES = [0.5, 2, 4, 0.25, 8];
const MEANS = [1, 0, -2, 0.5, 3];

const named = (text: string, name = 'mlp.nnet') => new File([text], name);
const lines = nnetFile(MLP_LAYERS, MEANS, RANGES).split('\n');
const changed = (line: number, to: string) =>
  named(lines.map((own, k) => (k === line ? to : own)).join('\n'));

/** range · N((x − mean) / range) + mean, the divisions by powers of 2. */
function physical(): Network {
  const builder = new NetworkBuilder('physical');
  const x = builder.input('input', [4]);
  const scale = Float64Array.from(RANGES.slice(0, 4), (range) => 1 / range);
  const shift = scale.map((s, k) => -MEANS[k]! * s);
  let y = builder.add(
    'in',
    { kind: 'scale', scale, shift, shiftMagnitude: shift.map((s) => 2 * Math.abs(s)), roundings: 1 },
    [x],
  );
  for (const [k, { weight, bias }] of MLP_LAYERS.entries()) {
    if (k > 0) y = builder.add('', { kind: 'nonlinearity', function: { name: 'relu' } }, [y]);
    const inputs = weight.length / bias.length;
    y = builder.add(
      '',
      { kind: 'affine', outputs: bias.length, inputs, weight, bias: Float64Array.from(bias) },
      [y],
    );
  }
  const out = { kind: 'scale', scale: Float64Array.of(8), shift: Float64Array.of(3) } as const;
  return builder.build(builder.add('out', out, [y]));
}

describe('a .nnet file', () => {
  it('is the network of its weights', async () => {
    await expectSame(await loadNetwork(named(lines.join('\n'))), mlp());
    // By its first bytes as well, and with lines of Windows.
    await expectSame(await loadNetwork(named(lines.join('\r\n'), 'model')), mlp());
  });

  it('in physical units has its inputs and outputs scaled', async () => {
    const network = await loadNetwork(named(lines.join('\n')), { units: 'physical' });
    await expectSame(network, physical());
    expect([...evaluate(network, Float64Array.from(MEANS.slice(0, 4)))]).toEqual(
      [...evaluate(mlp(), new Float64Array(4))].map((y) => 8 * y + 3),
    );
  });

  it.each([
    ['a size that is none', changed(2, '3,4,x,6,'), /line 3: the header must be numbers, got x/],
    ['an empty number', changed(2, '3,4,,6,'), /must be numbers, got/],
    ['layers that do not lead there', changed(3, '4,6,5,2,'), /must lead from 4 inputs to 3 outputs/],
    ['more weights than it has bytes for', changed(3, '4,600000,5,3,'), /do not fit into/],
    [
      'another number of weights',
      changed(9, '1,2,3,'),
      /row 1 of the weights of layer 1 must be 4 numbers, got 3/,
    ],
    ['an infinite weight', changed(9, '1,2,3,1e999,'), /must be numbers, got 1e999/],
    ['more behind its end', named(`${lines.join('\n')}1.0,\n`), /nothing must be behind the last bias/],
    ['no end', named(lines.slice(0, 20).join('\n')), /it ends before/],
    ['too many layers', changed(2, '300000,4,3,6,'), /must have 1 to/],
  ])('with %s is refused', async (_, file, message) => {
    const error = await loadNetwork(file).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(InputError);
    expect((error as Error).message).toMatch(message);
  });

  it('with a range of 0 has no physical units', async () => {
    const file = named(nnetFile(MLP_LAYERS, MEANS, [0, ...RANGES.slice(1)]));
    await expect(loadNetwork(file, { units: 'physical' })).rejects.toThrow(/must not be 0/);
    expect((await loadNetwork(file)).nodes).toHaveLength(5);
  });

  it('refuses options that say nothing of it, and other units', async () => {
    const file = named(lines.join('\n'));
    await expect(loadNetwork(file, { inputShape: [4] })).rejects.toThrow(/option inputShape says nothing/);
    await expect(loadNetwork(file, { units: 'feet' as never })).rejects.toThrow(
      /must be one of normalized, physical/,
    );
  });
});
