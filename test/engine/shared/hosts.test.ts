/** Threads that share memory in Node, Deno and Chromium, and pages where they cannot: they agree, and the task ends by itself. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { bundled, inChromium } from '../chromium.ts';
import { inDeno } from '../deno.ts';
import { withoutGpu } from '../webgpu/hosts.ts';
import { type Answer, answer } from './remote.ts';

const entry = fileURLToPath(new URL('remote.ts', import.meta.url));
const isolated = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
};

/** In a process of its own, which has to end by itself. */
async function inNode(expression: string): Promise<unknown> {
  const script = `${await bundled(entry)}\n${expression}.then((answer) => console.log(JSON.stringify(answer)));`;
  const node = spawn(process.execPath, ['-'], { stdio: ['pipe', 'pipe', 'inherit'] });
  let output = '';
  node.stdout.on('data', (text) => {
    output += text;
  });
  node.stdin.end(script);
  const code = await new Promise((resolve) => node.on('close', resolve));
  expect(code).toBe(0);
  return JSON.parse(output);
}

describe('threads that share memory', () => {
  const here = answer(1, false);

  it.each([true, false])('let the process end, whether the engine is left open: %s', async (left) => {
    expect(await inNode(`remote.answer(3, ${left})`)).toEqual(await here);
  });

  it.each([true, false])('let Deno end, whether the engine is left open: %s', async (left) => {
    expect(await inDeno(entry, `remote.answer(3, ${left})`)).toEqual(await here);
  });

  // The browser comes with what tests of GPUs need.
  it.skipIf(withoutGpu)('compute in a page that is isolated', async () => {
    expect(await inChromium(entry, 'remote.answer(3, false)', [], isolated)).toEqual(await here);
  });

  it.skipIf(withoutGpu)('are not there in a page that is not', async () => {
    const found = (await inChromium(entry, 'remote.answer(2, false)', [])) as Answer;
    expect(found.shared).toBe(false);
    const { numbers } = await here;
    expect(found.numbers.length).toBe(numbers.length);
    for (const [k, x] of found.numbers.entries()) expect(Math.abs(x / numbers[k]! - 1)).toBeLessThan(1e-11);
  });
});
