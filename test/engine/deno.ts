/** Scripts in Deno, on llvmpipe. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { bundled } from './chromium.ts';
import { denoEnvironment } from './webgpu/hosts.ts';

/** What an expression on `remote`, the module at `entry`, yields in a process of its own. */
export async function inDeno(entry: string, expression: string): Promise<unknown> {
  const script = `${await bundled(entry)}\nconsole.log(JSON.stringify(await ${expression}));`;
  const launcher = fileURLToPath(new URL('../../node_modules/deno/bin.cjs', import.meta.url));
  const deno = spawn(process.execPath, [launcher, 'run', '--allow-all', '--quiet', '-'], {
    env: { ...process.env, ...denoEnvironment() },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let output = '';
  let complaints = '';
  deno.stdout.on('data', (text) => {
    output += text;
  });
  deno.stderr.on('data', (text) => {
    complaints += text;
  });
  deno.stdin.end(script);
  // It has to end by itself once its engine is closed.
  const code = await new Promise((resolve) => deno.on('close', resolve));
  if (code !== 0) throw new Error(`deno: ended with ${code}: ${complaints}`);
  return JSON.parse(output);
}
