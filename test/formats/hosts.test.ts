/** Models come the same from paths, URLs, bytes, blobs and files in Node, Deno and Chromium. */

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { InputError } from '../../src/errors.ts';
import { loadNetwork as loadInPage } from '../../src/formats/load.browser.ts';
import { loadNetwork } from '../../src/index.ts';
import { inChromium } from '../engine/chromium.ts';
import { inDeno } from '../engine/deno.ts';
import { file, MLP_LAYERS } from './files/networks.ts';
import { nnetFile } from './files/nnet.ts';
import { report, seen } from './remote.ts';

const ENTRY = fileURLToPath(new URL('remote.ts', import.meta.url));

const net = {
  ...{ format: 'lipsoid-architecture', version: 1, weights: 'mlp.pth', input: [4] },
  layers: [1, 2, 3].flatMap((k) => [
    ...(k > 1 ? [{ layer: 'relu' }] : []),
    { layer: 'linear', weight: `fc${k}.weight`, bias: `fc${k}.bias` },
  ]),
};

const FILES: Readonly<Record<string, Uint8Array>> = {
  'net.json': new TextEncoder().encode(JSON.stringify(net)),
  'mlp.pth': file('mlp.pth'),
  'cnn.keras': file('cnn.keras'),
  'mlp.h5': file('mlp.h5'),
  'mlp.nnet': new TextEncoder().encode(nnetFile(MLP_LAYERS, [0, 0, 0, 0, 0], [1, 1, 1, 1, 1])),
};

const CASES = [
  ['net.json', ['mlp.pth']],
  ['cnn.keras', []],
  ['mlp.h5', []],
  ['mlp.nnet', []],
] as const;

let folder = '';
let server: ReturnType<typeof createServer>;
let served = '';

beforeAll(async () => {
  folder = await mkdtemp(`${tmpdir()}/lipsoid-`);
  for (const [name, bytes] of Object.entries(FILES)) await writeFile(`${folder}/${name}`, bytes);
  server = createServer((request, response) => {
    const bytes = FILES[decodeURIComponent(request.url!.slice('/models/'.length))];
    response.setHeader('access-control-allow-origin', '*');
    response.statusCode = bytes ? 200 : 404;
    response.end(bytes);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  served = `http://127.0.0.1:${(server.address() as AddressInfo).port}/models/`;
});

afterAll(async () => {
  server.close();
  await rm(folder, { recursive: true });
});

describe.each(CASES)('%s', (name, beside) => {
  it('is one network however it comes, in Node, Deno and Chromium', async () => {
    const here = seen(await loadNetwork(`${folder}/${name}`));
    expect(here.values.length).toBeGreaterThan(2);
    expect(seen(await loadNetwork(pathToFileURL(`${folder}/${name}`)))).toEqual(here);
    const all = Array.from({ length: 5 }, () => here);
    expect(await report(served, name, beside)).toEqual(all);
    const call = `remote.report(${JSON.stringify(served)}, ${JSON.stringify(name)}, ${JSON.stringify(beside)})`;
    expect(await inDeno(ENTRY, call)).toEqual(all);
    expect(await inChromium(ENTRY, call, ['--disable-web-security'])).toEqual(all);
  });
});

describe('a URL', () => {
  it('that gives nothing is refused', async () => {
    await expect(loadNetwork(new URL(`${served}none.onnx`))).rejects.toThrow(
      /none\.onnx: must be readable, got 404/,
    );
    await expect(loadInPage(`${served}none.onnx`)).rejects.toThrow(InputError);
    await expect(loadNetwork(new URL('http://127.0.0.1:1/a.onnx'))).rejects.toThrow(
      /must be readable, got an error/,
    );
  });

  it('ends with the signal', async () => {
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(loadNetwork(new URL(`${served}mlp.nnet`), { signal })).rejects.toThrow('enough');
  });

  it.each([null, 7, {}, []])('is none, nor bytes, in %j', async (value) => {
    await expect(loadNetwork(value as never)).rejects.toThrow(InputError);
  });
});
