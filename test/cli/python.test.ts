/** docs/python/lipsoid.py: what it asks of the command line, what it makes of the answer, and one answer of the real one. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { NetworkBuilder, writeOnnx } from '../../src/index.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'lipsoid-python-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Answers as the command line does: with the words that it was given, or an error that the name of the file asks for. */
const STUB = join(folder, 'stub.mjs');
writeFileSync(
  STUB,
  `const words = process.argv.slice(2);
  const answers = {
    'refused.onnx': [2, { error: { kind: 'unsupported', message: 'refused.onnx: Loop', items: [{ node: 'a' }] } }],
    'absent.onnx': [1, { error: { kind: 'input', message: 'absent.onnx: must be readable' } }],
    'silent.onnx': [3, undefined],
    'data.onnx': [0, { samples: [{ index: 0, certified: { 0.5: true }, attack: null }] }],
  };
  const [code, answer] = answers[words[1]] ?? [0, { words, bound: 3, log10: 0.5, method: 'refined', lower: { value: 2 } }];
  if (answer === undefined) console.error('out of memory');
  else console.log(JSON.stringify(answer));
  process.exitCode = code;`,
);

/** What a script prints as JSON, with lipsoid.py to import. */
function python(script: string, lipsoid: string, path = ''): unknown {
  const paths = [join(ROOT, 'docs/python'), path].filter((each) => each !== '');
  const { status, stdout, stderr } = spawnSync('python3', ['-c', `import json, lipsoid\n${script}`], {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, LIPSOID: lipsoid, PYTHONPATH: paths.join(':'), PYTHONDONTWRITEBYTECODE: '1' },
  });
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout);
}

const stub = `'${process.execPath}' '${STUB}'`;

describe('lipsoid.py', () => {
  it('says options as the command line does', () => {
    const script = `answer = lipsoid.bound("m.onnx", output_norm="inf", no_lower=True, radius=[0.25, 1], seed=None, at=False)
print(json.dumps(answer["words"]))`;
    expect(python(script, stub)).toEqual(
      'bound m.onnx --output-norm inf --no-lower --radius 0.25,1 --json'.split(' '),
    );
  });

  it('raises what is refused, and gives it a row among networks', () => {
    const script = `rows = lipsoid.bounds(["m.onnx", "refused.onnx"])
caught = []
for file in ["refused.onnx", "absent.onnx", "silent.onnx"]:
    try:
        lipsoid.bound(file)
    except lipsoid.LipsoidError as error:
        caught.append([error.kind, error.code, error.items, str(error)])
try:
    lipsoid.bounds(["absent.onnx"])
except lipsoid.LipsoidError as error:
    caught.append(error.kind)
print(json.dumps([rows, caught]))`;
    const row = {
      file: 'm.onnx',
      bound: 3,
      log10: 0.5,
      method: 'refined',
      lower: 2,
      seconds: null,
      error: null,
    };
    const none = { bound: null, log10: null, method: null, lower: null };
    expect(python(script, stub)).toEqual([
      [row, { ...row, ...none, file: 'refused.onnx', error: 'refused.onnx: Loop' }],
      [
        ['unsupported', 2, [{ node: 'a' }], 'refused.onnx: Loop'],
        ['input', 1, [], 'absent.onnx: must be readable'],
        [null, 3, [], 'lipsoid bound: out of memory'],
        'input',
      ],
    ]);
  });

  it('makes tables of pandas where it is', () => {
    mkdirSync(join(folder, 'modules'));
    writeFileSync(
      join(folder, 'modules/pandas.py'),
      'class DataFrame:\n    def __init__(self, rows):\n        self.rows = rows\n',
    );
    const script = 'print(json.dumps(lipsoid.samples("data.onnx", data="x.npz").rows))';
    expect(python(script, stub, join(folder, 'modules'))).toEqual([
      { index: 0, 'certified 0.5': true, attack: null },
    ]);
  });

  it('reads what the command line prints', () => {
    const network = NetworkBuilder.fromDense([
      {
        weight: [
          [3, 0],
          [0, 4],
        ],
      },
    ]);
    writeFileSync(join(folder, 'tiny.onnx'), writeOnnx(network));
    const cli = `'${process.execPath}' --import '${import.meta.resolve('tsx')}' '${join(ROOT, 'src/cli/main.ts')}'`;
    const script = `answer = lipsoid.bound("tiny.onnx", method="spectral-product", engine="cpu-wasm", threads=1, no_lower=True)
print(json.dumps([answer["bound"], answer["methods"][0]["method"]]))`;
    const [bound, method] = python(script, cli) as [number, string];
    expect(bound).toBeGreaterThanOrEqual(4);
    expect(bound).toBeLessThan(4.0001);
    expect(method).toBe('spectral-product');
  });
});
