/** Certificates of samples, from `lipsoid certify --certificate DIR` to `lipsoid verify`: what is written is accepted, and nothing else is. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { drawDigits, SIDE } from '../../examples/digits.ts';
import { decodeValues } from '../../src/certificate/fields.ts';
import type { RegionCertificate } from '../../src/certificate/regionFormat.ts';
import type { CertificateSet } from '../../src/certificate/setFormat.ts';
import { runCommandLine } from '../../src/cli/program.ts';
import * as library from '../../src/node.ts';
import { labelsNpy, npy, zip } from '../certify/data/files.ts';
import { recorder } from './recorder.ts';

const root = mkdtempSync(join(tmpdir(), 'lipsoid-certificates-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const path = (...names: string[]) => join(root, ...names);
const NETWORK = 'examples/mlp.onnx';

/** Samples that bounds of the whole network, closed forms and moving centres certify, and one with a wrong label. */
const COUNT = 8;
beforeAll(() => {
  const { values, labels } = drawDigits(COUNT, 2);
  labels[3] = (labels[3]! + 1) % 10;
  const images = npy([COUNT, 1, SIDE, SIDE], [...values]);
  writeFileSync(path('d.npz'), zip({ 'x.npy': images, 'y.npy': labelsNpy([...labels]) }));
});

/** @param stopAfter samples, then Ctrl-C */
async function run(words: readonly string[], stopAfter = Infinity) {
  const [stdout, stderr] = [recorder(), recorder()];
  const control = new AbortController();
  async function* certifySamples(...args: Parameters<typeof library.certifySamples>) {
    let done = 0;
    for await (const report of library.certifySamples(...args)) {
      yield report;
      if (++done === stopAfter) control.abort(new Error('cancelled'));
    }
  }
  const code = await runCommandLine(words, {
    library: async () => ({ ...library, certifySamples: certifySamples as typeof library.certifySamples }),
    terminal: { stdout, stderr },
    version: '1.2.3',
    signal: control.signal,
  });
  return { code, out: stdout.text, err: stderr.text };
}

const certify = (folder: string, ...more: string[]) => [
  ...['certify', NETWORK, '--data', path('d.npz'), '--radius', '0.2,0.5', '--starts', '2'],
  ...['--engine', 'cpu-wasm', '--certificate', path(folder), ...more],
];
const verify = (...names: string[]) => run(['verify', path(...names), NETWORK]);
const json = <T>(...names: string[]) => JSON.parse(readFileSync(path(...names), 'utf8')) as T;

/** A folder of certificates that a test may spoil. */
async function copied(folder: string): Promise<CertificateSet> {
  mkdirSync(path(folder));
  for (const name of readdirSync(path('whole')))
    writeFileSync(path(folder, name), readFileSync(path('whole', name)));
  return json<CertificateSet>(folder, 'certificates.json');
}

beforeAll(async () => {
  const { code, out } = await run(certify('whole'));
  expect(code).toBe(0);
  expect(out).toMatch(/Certificates, checked: 6 samples, in .*whole\./);
});

describe('lipsoid certify --certificate', () => {
  it('writes one file for every sample that is certified, and a list', async () => {
    const list = json<CertificateSet>('whole', 'certificates.json');
    expect(list).toMatchObject({
      format: 'lipsoid-certificates',
      network: { sha256: (await library.loadNetwork(NETWORK)).source!.sha256 },
      data: { file: 'd.npz', samples: COUNT },
      radii: [0.2, 0.5],
    });
    expect(list.samples.map(({ index }) => index)).toEqual([0, 1, 2, 4, 5, 6]);
    expect(new Set(list.samples.map(({ radius }) => radius))).toEqual(new Set([0.2, 0.5]));
    const files = ['certificates.json', ...list.samples.map(({ file }) => file)];
    expect(readdirSync(path('whole')).sort()).toEqual(files.sort());
    const all = list.samples.map(({ file }) => json<RegionCertificate>('whole', file));
    for (const [k, { region, found }] of all.entries()) {
      expect(region).toMatchObject({
        ...{ label: list.samples[k]!.label, radius: list.samples[k]!.radius },
        scale: null,
      });
      expect(found.by).toBe('lipsoid 1.2.3');
    }
    expect(all.some(({ centres }) => centres.length > 0)).toBe(true);
  });

  it('says what it has written as JSON', async () => {
    const { out } = await run(certify('json', '--json', '--first', '2'));
    expect(JSON.parse(out).certificates).toEqual({ folder: path('json'), samples: 2, lacking: [] });
  });

  it('certifies pixels through the division, with limits', async () => {
    const pixels = [
      '--mean',
      '0.1',
      '--std',
      '2',
      '--clip=-1,2',
      '--max-radius',
      '--first',
      '2',
      '--evaluations',
      '4',
    ];
    const words = certify('pixels', ...pixels).filter((word) => word !== '--radius' && word !== '0.2,0.5');
    const { code, out } = await run([...words, '--json']);
    expect(code).toBe(0);
    const { samples, certificates } = JSON.parse(out);
    expect(certificates).toMatchObject({ samples: 2, lacking: [] });
    for (const { index, radius, file } of json<CertificateSet>('pixels', 'certificates.json').samples) {
      const { region } = json<RegionCertificate>('pixels', file);
      expect(radius).toBe(samples[index].radius);
      expect([...decodeValues(region.scale!, '')]).toEqual([0.5]);
      expect(decodeValues(region.limits!.high, '')[0]).toBeCloseTo(1.9, 12);
    }
    expect((await verify('pixels')).code).toBe(0);
  });

  it('goes on where it was stopped', async () => {
    const words = certify('resumed', '--resume', path('journal'));
    const first = await run(words, 3);
    expect(first.out).toContain('Interrupted');
    expect(json<CertificateSet>('resumed', 'certificates.json').samples.map(({ index }) => index)).toEqual([
      0, 1, 2,
    ]);
    expect((await run(words)).code).toBe(0);
    expect(json('resumed', 'certificates.json')).toEqual(json('whole', 'certificates.json'));
    expect((await verify('resumed')).code).toBe(0);
    // The journal of a run without certificates is of another run.
    const without = words.filter((word) => word !== '--certificate' && word !== path('resumed'));
    expect(await run(without)).toMatchObject({
      code: 1,
      err: expect.stringMatching(/differs in certificates/),
    });
  });

  it.each([
    [
      'a folder that is not empty',
      () =>
        writeFileSync(path('whole', 'certificates.json'), readFileSync(path('whole', 'certificates.json'))),
      'whole',
      /--certificate: .*a new folder, or an empty one, got one with/,
    ],
    [
      'a file',
      () => writeFileSync(path('file'), ''),
      'file',
      /--certificate: .*must be a folder, got a file/,
    ],
    [
      'a folder in none',
      () => {},
      join('none', 'below'),
      /--certificate: .*must be a folder that can be written to/,
    ],
  ])('refuses %s before the work begins', async (_, prepare, folder, reason) => {
    prepare();
    const { code, out, err } = await run(certify(folder));
    expect([code, out]).toEqual([1, '']);
    expect(err).toMatch(reason);
  });

  it('needs proofs around samples', async () => {
    const { code, err } = await run(certify('unused', '--no-regions'));
    expect(code).toBe(1);
    expect(err).toContain('--certificate: is of proofs around samples, got --no-regions');
    expect(existsSync(path('unused'))).toBe(false);
  });

  it('says which certified samples have none', async () => {
    // Without a moving centre bounds of the whole network may certify what no closed form does.
    const refusing = async () => {
      throw new library.UnsupportedError([{ node: 'mlp', found: 'a certificate', reason: 'not today' }]);
    };
    const [stdout, stderr] = [recorder(), recorder()];
    const code = await runCommandLine(certify('refused', '--first', '2'), {
      library: async () => ({ ...library, certifyRegion: refusing }),
      terminal: { stdout, stderr },
      version: '1.2.3',
      signal: new AbortController().signal,
    });
    expect(code).toBe(0);
    expect(stdout.text).toContain('Certificates, checked: 0 samples');
    expect(stdout.text).toContain('2 certified samples without; sample 0: not today.');
    expect((await verify('refused')).code).toBe(0);
  });
});

describe('lipsoid verify', () => {
  it('accepts the folder, its list, and each certificate', async () => {
    const folder = await verify('whole');
    expect(folder.code).toBe(0);
    expect(folder.out).toMatch(
      /^accepted\n6 certificates of 6 accepted, for 8 samples\.\n6 of 8 samples: .* within 0\.2 \(ℓ2\)\.\n/,
    );
    expect((await verify('whole', 'certificates.json')).out).toBe(folder.out);
    const one = await verify('whole', 'sample-0000.json');
    expect(one.code).toBe(0);
    expect(one.out).toMatch(/^accepted\nOutput \d is the largest at every input within 0\.[25] \(ℓ2\)/);
    const { out } = await run(['verify', path('whole'), NETWORK, '--json']);
    expect(JSON.parse(out)).toMatchObject({
      accepted: true,
      samples: 8,
      certified: { '0.2': 6 },
      rejected: [],
    });
  });

  it('rejects what has been tampered with, and says which sample', async () => {
    const list = await copied('spoilt');
    const [first, second, third, fourth] = list.samples;
    const change = (file: string, by: (c: RegionCertificate) => unknown) =>
      writeFileSync(path('spoilt', file), JSON.stringify(by(json('spoilt', file))));
    change(first!.file, (c) => ({ ...c, region: { ...c.region, radius: 3 } }));
    rmSync(path('spoilt', second!.file));
    writeFileSync(path('spoilt', third!.file), readFileSync(path('spoilt', fourth!.file)));
    const samples = list.samples.map((own, k) => (k === 4 ? { ...own, radius: own.radius / 2 } : own));
    writeFileSync(path('spoilt', 'certificates.json'), JSON.stringify({ ...list, samples }));
    const { code, out } = await run(['verify', path('spoilt'), NETWORK, '--json']);
    expect(code).toBe(4);
    const { accepted, rejected, certified } = JSON.parse(out);
    expect(accepted).toBe(false);
    const reasons = Object.fromEntries(
      rejected.map(({ index, reason }: { index: number; reason: string }) => [index, reason]),
    );
    expect(reasons[first!.index]).toMatch(/multipliers/);
    expect(reasons[second!.index]).toMatch(/must be readable/);
    expect(reasons[third!.index]).toMatch(/is of label/);
    expect(reasons[list.samples[4]!.index]).toMatch(/is of label .* radius/);
    expect(rejected).toHaveLength(4);
    expect(certified['0.2']).toBe(2);
    expect((await verify('spoilt')).out).toMatch(/^rejected\n2 certificates of 6 accepted/);
  });

  it.each([
    [
      'of another network',
      (l: CertificateSet) => ({ ...l, network: { ...l.network, sha256: 'b'.repeat(64) } }),
      /another network/,
    ],
    [
      'that leads elsewhere',
      (l: CertificateSet) => ({ ...l, samples: [{ ...l.samples[0]!, file: '../sample-0000.json' }] }),
      /the name of a file beside this one/,
    ],
    [
      'that names a sample twice',
      (l: CertificateSet) => ({ ...l, samples: [l.samples[0], l.samples[0]] }),
      /not named before/,
    ],
    [
      'that names a file twice',
      (l: CertificateSet) => ({
        ...l,
        data: { ...l.data, samples: 1000 },
        samples: [l.samples[0]!, { ...l.samples[0]!, index: 999 }],
      }),
      /a file that is not named before/,
    ],
    [
      'of samples that are not there',
      (l: CertificateSet) => ({ ...l, data: { ...l.data, samples: 2 } }),
      /a sample of 2/,
    ],
    ['with a member too many', (l: CertificateSet) => ({ ...l, accuracy: 1 }), /the members/],
  ])('rejects a list %s', async (_, by, reason) => {
    writeFileSync(path('whole', 'list.json'), JSON.stringify(by(json('whole', 'certificates.json'))));
    const { code, out } = await verify('whole', 'list.json');
    rmSync(path('whole', 'list.json'));
    expect(code).toBe(4);
    expect(out).toMatch(reason);
  });
});
