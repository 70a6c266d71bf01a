/** Every hunt finds the fault that was planted for it, in few trials, and nothing in the same trials without it. */
import { afterEach, describe, expect, it } from 'vitest';
import { CertificatesHunt } from '../../attack/certificates/hunt.ts';
import { FilesHunt } from '../../attack/files/hunt.ts';
import { GROWTH } from '../../attack/growth/families.ts';
import { GrowthHunt } from '../../attack/growth/hunt.ts';
import type { Finding, Hunt } from '../../attack/hunt.ts';

const child = new URL('faulty.ts', import.meta.url);
const limits = { seconds: 2, bytes: 8e8 };

let hunt: Hunt | undefined;
afterEach(() => hunt?.close?.());

/** @param fault of faulty.ts */
function plant(folder: string, fault: string): void {
  process.env.LIPSOID_CHILD = folder;
  process.env.LIPSOID_PLANTED = fault;
}

async function firstOf(own: Hunt, trials: number): Promise<Finding | undefined> {
  hunt = own;
  for (let seed = 0; seed < trials; seed++) {
    const finding = await own.trial(seed);
    if (finding) return finding;
  }
  return undefined;
}

describe('mutated files', () => {
  it.each([
    ['bound too small', /is below the slope .* that ONNX Runtime has/],
    ['endless loop', /takes more than 2 s/],
    ['much memory', /takes more than 0.8 GB/],
    ['internal error', /exit code 3/],
    ['escape sequence', /prints U\+001b/],
    ['file outside', /reads \/etc\/hostname/],
    ['changed prototype', /a prototype of the language was changed/],
  ])('show the planted fault: %s', async (fault, pattern) => {
    plant('files', fault);
    const finding = await firstOf(new FilesHunt({ child, limits }), 25);
    expect(finding?.fault).toMatch(pattern);
    expect(finding!.files.get('model.onnx')!.length).toBeGreaterThan(0);
  });
});

describe('mutated certificates', () => {
  it.each([
    ['certificates unread', /accepts /],
    ['constant hash', /the certificate of one is accepted for the other/],
  ])('show the planted fault: %s', async (fault, pattern) => {
    plant('certificates', fault);
    expect((await firstOf(new CertificatesHunt({ child, limits }), 60))?.fault).toMatch(pattern);
  });
});

describe('growing graphs', () => {
  it('show an exponential walk', async () => {
    plant('growth', 'exponential walk');
    const own = new GrowthHunt({ child, limits: { seconds: 20, bytes: 1e9 } });
    hunt = own;
    const family = GROWTH.find(({ name }) => name === 'dense layers')!;
    const finding = await own.grow({ ...family, sizes: [3, 5, 6] }, 'inspect', 0);
    expect(finding?.fault).toMatch(/inspect of 6 blocks of dense layers: .*grows with the power/);
    plant('growth', '');
    await own.close();
    const sound = new GrowthHunt({ child });
    hunt = sound;
    expect(await sound.grow({ ...family, sizes: [3, 6, 12] }, 'inspect', 0)).toBeUndefined();
  });
});
