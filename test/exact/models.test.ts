/** Networks of others whose constants are published (ExLipBaB, 2602.15499; LipSDP). */
import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { exactConstant } from '../../src/exact/exact.ts';
import { loadNetwork } from '../../src/formats/load.node.ts';

/** The models stay where they are; without them these tests are skipped. */
const models = new URL('../../../shared/models/', import.meta.url);

const CONSTANTS: readonly (readonly [file: string, everywhere: number, box: number])[] = [
  ['exact/iris_relu.onnx', 11.634355, 11.611714],
  ['exact/wine12_relu.onnx', 1.74337, 1.503419],
  ['exact/wine12_maxmin.onnx', 2.788306, 2.670714],
  ['exact/wine24_maxmin.onnx', 4.225401, 4.225401],
];

const load = (file: string) => loadNetwork(new URL(file, models).pathname);

describe.skipIf(!existsSync(new URL('exact', models)))('published constants', () => {
  it.each(CONSTANTS)('%s', { timeout: 60_000 }, async (file, everywhere, inBox) => {
    const network = await load(file);
    const inputs = network.tensors[network.input]!.shape[0]!;
    const all = await exactConstant(network);
    expect(all.status).toBe('exact');
    expect(Math.abs(all.upper / everywhere - 1)).toBeLessThan(1e-6);
    expect(all.upper / all.lower - 1).toBeLessThan(1e-6);
    const side = (at: number) => new Float64Array(inputs).fill(at);
    const box = await exactConstant(network, { box: { low: side(-1), high: side(1) } });
    expect(box.status).toBe('exact');
    expect(Math.abs(box.upper / inBox - 1)).toBeLessThan(1e-6);
  });

  it("lipsdp_random.onnx, LipSDP's own example", { timeout: 60_000 }, async () => {
    const { status, upper } = await exactConstant(await load('lipsdp_random.onnx'));
    expect(status).toBe('exact');
    expect(Math.abs(upper / 36.48223 - 1)).toBeLessThan(1e-6);
  });
});
