/** Closed-form bounds of larger networks: float32 on WebGPU in Deno (llvmpipe, the faster of the software adapters) against float64. */
import { existsSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { runs } from '../../support/runs.ts';
import { inDeno } from '../deno.ts';
import { withoutGpu } from './hosts.ts';
import type { Pair } from './remoteModels.ts';

/** The models stay where they are; without them their tests are skipped. */
const models = fileURLToPath(new URL('../../../../shared/models/', import.meta.url));
const files = existsSync(models) ? readdirSync(models).filter((name) => name.endsWith('.onnx')) : [];
const entry = fileURLToPath(new URL('remoteModels.ts', import.meta.url));

/** One rule each of one model of its kind; with LIPSOID_RUNS two, of all of them. All ten, on smaller networks: models.test.ts. */
const thorough = runs(1) > 1;
const rules = thorough ? ['SN(1)', 'GC(1.5)'] : ['GC(1.5)'];
const larger =
  /^(cnn_C3|cnn_C5|cnn_C9|cnn_C17|stack_C5|stack_C9|chain_L9|chain_L17|chain_L65|mlp_L3|mlp_L17|mlp_L65|cnn3|fnn2|fnn3|eclipse|lipsdp_mnist)/;
const compared = files.filter((file) => thorough || !larger.test(file));

const tolerance = Math.log10(1 + 1e-3);

function expectAgreement(pairs: readonly Pair[], rules: readonly string[]): void {
  expect(pairs.map(([rule]) => rule)).toEqual(rules);
  for (const [rule, gpu, cpu] of pairs) {
    expect(Math.abs(gpu! - cpu!), `${rule}: 10^${gpu} instead of 10^${cpu}`).toBeLessThan(tolerance);
    expect(gpu, rule).not.toBeNull();
    expect(cpu, rule).not.toBeNull();
  }
}

describe.skipIf(withoutGpu)('closed forms in float32', () => {
  it.each(compared)('%s', { timeout: 600_000 }, async (file) => {
    const given = [models + file, existsSync(`${models}${file}.data`), rules];
    expectAgreement((await inDeno(entry, `remote.ofFile(...${JSON.stringify(given)})`)) as Pair[], rules);
  });

  it.runIf(thorough)('VGG-16 at 32 × 32 with an eighth of the channels', { timeout: 600_000 }, async () => {
    const rules = ['GC(1.5)'];
    expectAgreement((await inDeno(entry, `remote.ofSmallVgg16(${JSON.stringify(rules)})`)) as Pair[], rules);
  });
});
