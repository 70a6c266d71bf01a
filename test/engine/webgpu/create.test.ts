/** Which engine is taken, and that a process ends once it is closed. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { createEngine } from '../../../src/engine/create.ts';
import { useSwiftShader, withoutGpu } from './hosts.ts';

const create = new URL('../../../src/engine/create.ts', import.meta.url).href;

/** Runs a script in a process of its own, which has to end by itself. */
function run(script: string, environment: Record<string, string> = {}) {
  const module = `import { createEngine } from ${JSON.stringify(create)};\n${script}`;
  return spawnSync(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', module], {
    cwd: fileURLToPath(new URL('../../../', import.meta.url)),
    env: { ...process.env, ...environment },
    encoding: 'utf8',
    timeout: 200_000,
  });
}

describe.skipIf(withoutGpu)('createEngine', () => {
  beforeAll(useSwiftShader);

  it('makes an engine on a software adapter when it is asked for WebGPU', async () => {
    const engine = await createEngine({ engine: 'webgpu' });
    expect(engine.information).toMatchObject({ name: 'webgpu', unitRoundoff: 2 ** -23 });
    expect(engine.information.description).toMatch(
      /^WebGPU in float32 on .*swiftshader.*, a software adapter$/i,
    );
    await engine.close();
  });

  it('takes the CPU before a software adapter, and says so', async () => {
    const engine = await createEngine();
    expect(engine.information.name).toMatch(/^cpu-/);
    expect(engine.information.description).toMatch(/\(no GPU found.*\)$/);
    await engine.close();
  });

  it('says nothing of GPUs when it is asked for the CPU', async () => {
    const engine = await createEngine({ engine: 'cpu' });
    expect(engine.information.description).not.toContain('GPU');
    await engine.close();
  });

  it('lets the process end by itself, closed or not', () => {
    const work =
      "const e = await createEngine({ engine: 'webgpu' }); console.log(await e.read(e.largest(e.vector([1, 7]))));";
    for (const script of [`${work} await e.close();`, work]) {
      const { status, stdout } = run(script);
      expect(stdout).toContain('7');
      expect(status).toBe(0);
    }
  });

  it('fails clearly without an adapter', () => {
    const { status, stderr } = run("await createEngine({ engine: 'webgpu' });", {
      VK_DRIVER_FILES: '/nowhere.json',
    });
    expect(stderr).toContain('InputError: webgpu: an adapter must be there, got none');
    expect(status).toBe(1);
  });
});
