/** Networks in the patterns of public ones, and the range in which a right bound of each lies (../shared/cases/coverage, where it is). */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bound } from '../../src/bounds/bound.ts';
import { certify } from '../../src/certificate/certify.ts';
import { verify } from '../../src/certificate/verify.ts';
import { createEngine } from '../../src/engine/create.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { loadNetwork } from '../../src/formats/load.node.ts';

const FOLDER = fileURLToPath(new URL('../../../shared/cases/coverage/', import.meta.url));
const there = existsSync(FOLDER);
const expected = (there ? JSON.parse(readFileSync(`${FOLDER}expected.json`, 'utf8')) : {}) as Record<
  string,
  readonly [number | null, number]
>;

/** Linear maps in other words, which are read whatever else is. */
const LINEAR = [
  ...['channel_shuffle_before_grouped_conv_32x32', 'concat_constant_feature', 'crop_of_image_64x64'],
  ...['decoder_gemm_relu_reshape_convtranspose', 'decoder_gemm_tanh_reshape_conv', 'depth_to_space_crd'],
  ...['dequantized_int8_weights', 'dueling_head', 'einsum_constant_weight', 'expand_of_data'],
  ...['flat_input_clip_reshape_conv', 'flat_input_div255_reshape_conv', 'inspect_accepts_bound_refuses'],
  ...['keras_rescaling_scalar_mul_nhwc', 'margins_true_minus_others', 'matmul_stack_of_constants'],
  ...['max_of_features', 'mean_image_sub', 'piecewise_linear_by_thresholds'],
  ...['pixel_unshuffle_in_the_middle_32x32', 'position_embedding_add', 'prelu_slope_per_neuron'],
  ...['resize_nearest_2x', 'resnet_option_a_channel_pad', 'sklearn_scaler_mlp'],
  ...['slice_1200_of_1500_slow', 'slice_5000_of_6000', 'stack_and_mean_of_ensemble', 'std_image_div'],
  ...['sum_of_features', 'upsample_opset9_nearest', 'where_constant_mask'],
];

/** The figures have six digits. */
const DIGITS = 1e-5;

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine({ engine: 'cpu-wasm', threads: 1 });
});
afterAll(() => engine.close());

describe.skipIf(!there)('networks in the patterns of public ones', () => {
  it.each(LINEAR)('%s', async (name) => {
    const [least, most] = expected[`${name}.onnx`]!;
    const network = await loadNetwork(`${FOLDER}${name}.onnx`);
    const result = await bound(network, { engine, evaluations: 30, lower: false });
    expect(result.bound!).toBeGreaterThanOrEqual((least ?? 0) * (1 - DIGITS));
    expect(result.bound!).toBeLessThanOrEqual(most * (1 + DIGITS));
    for (const row of result.methods) {
      if (row.bound !== null) expect(row.bound).toBeGreaterThanOrEqual((least ?? 0) * (1 - DIGITS));
    }
    expect(result.methods.find(({ method }) => method === 'spectral-product')?.bound).toBeGreaterThan(0);
    if (!result.proof) return;
    const made = certify(network, result);
    // What the checker takes.
    if (name === 'slice_5000_of_6000') return expect(made).rejects.toThrow(/more than 4096 rows/);
    const certificate = await made;
    expect((await verify(network, certificate)).accepted).toBe(true);
    expect(certificate.claim.bound!).toBeGreaterThanOrEqual((least ?? 0) * (1 - DIGITS));
  });

  it('all others', async () => {
    const files = readdirSync(FOLDER).filter((file) => file.endsWith('.onnx'));
    expect(Object.keys(expected).sort()).toEqual(files.sort());
    for (const file of files.filter((one) => !LINEAR.includes(one.slice(0, -5)))) {
      const [least, most] = expected[file]!;
      const network = await loadNetwork(FOLDER + file, file.startsWith('open_batch') ? { batch: 1 } : {});
      const { bound: value } = await bound(network, { engine, evaluations: 30, lower: false });
      expect(value, file).toBeGreaterThanOrEqual((least ?? 0) * (1 - DIGITS));
      expect(value, file).toBeLessThanOrEqual(most * (1 + DIGITS));
    }
  });
});
