/** Every operation and whole bounds on WebGL in Chromium (SwiftShader) against the oracle and the CPU. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { createEngine } from '../../../src/engine/create.ts';
import { InputError } from '../../../src/errors.ts';
import { inChromium } from '../chromium.ts';
import { checks } from '../webgpu/check.ts';
import { withoutGpu } from '../webgpu/hosts.ts';
import type { Report } from './remote.ts';

const swiftShader = ['--use-angle=swiftshader', '--enable-unsafe-swiftshader', '--ignore-gpu-blocklist'];
const entry = fileURLToPath(new URL('remote.ts', import.meta.url));
const examples = ['mlp.onnx', 'cnn.onnx', 'resnet.onnx'];

function model(name: string): string {
  return readFileSync(new URL(`../../../examples/${name}`, import.meta.url)).toString('base64');
}

describe.skipIf(withoutGpu)('WebGL in Chromium', () => {
  let report: Report;
  beforeAll(async () => {
    const models = Object.fromEntries(examples.map((name) => [name, model(name)]));
    const expression = `remote.report(${JSON.stringify(models)})`;
    report = (await inChromium(entry, expression, swiftShader)) as Report;
  }, 300_000);

  it('is computed in software, and says what the host does', () => {
    expect(report.description).toMatch(
      /^WebGL in float32 on .*swiftshader.*; vectors in float64 on the CPU$/i,
    );
  });

  it.each(checks)('%s', (name) => {
    expect(report.failures[name]).toEqual([]);
  });

  it('keeps NaN where it belongs', () => {
    expect(report.lostNaN).toEqual([]);
  });

  it('bounds networks as the CPU does', () => {
    const rows = Object.entries(report.bounds);
    expect(rows.length).toBe(4 * examples.length);
    for (const [name, [webgl, cpu]] of rows) {
      expect(cpu, name).toBeGreaterThan(0);
      expect(Math.abs(webgl! / cpu! - 1), name).toBeLessThan(1e-3);
    }
  });
});

describe('WebGL elsewhere', () => {
  it('is refused in Node, with what to choose instead', async () => {
    const refusal = createEngine({ engine: 'webgl' });
    await expect(refusal).rejects.toThrow(InputError);
    await expect(refusal).rejects.toThrow(
      /webgl: the host must offer WebGL 2, .*choose the engine webgpu or cpu/,
    );
  });

  it.skipIf(withoutGpu)('is refused in a browser without it', async () => {
    const page = inChromium(entry, 'remote.report({})', ['--disable-gpu', '--disable-3d-apis']);
    await expect(page).rejects.toThrow(/InputError: webgl: the host must offer WebGL 2/);
  });
});
