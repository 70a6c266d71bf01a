import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * Files and folders that take longest, longest first: begun last they would run alone in the end. Those that wait for browsers and
 * for GPUs in software are mixed with those that compute.
 */
const LONGEST = [
  'engine/webgpu/twins',
  'demo/page',
  'soundness/norms',
  'bounds/refined',
  'demo/certify',
  'package/consumer',
  'attack/hunts',
  'demo/firefox',
  'demo/visit',
  'soundness/rounding',
  'soundness/sampled',
  'soundness/folding',
  'engine/webgpu',
  'engine/twins',
  'demo',
  'soundness',
  'sdp',
  'attack',
  'bounds',
  'ellipsoid',
  'cli',
  'certify/webGpu',
  'certify/residual',
  'exact/bruteForce',
  'certificate',
  'engine',
  'formats/hosts',
  'certify',
];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification) => {
      const at = LONGEST.findIndex((name) =>
        ['/', '.test.ts'].some((end) => moduleId.includes(`/test/${name}${end}`)),
      );
      return at < 0 ? LONGEST.length : at;
    };
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b));
  }
}

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    setupFiles: ['test/support/seed.ts'],
    globalSetup: ['test/demo/shared.ts'],
    // Bounding a real network takes seconds on one core, minutes on one of a busy machine; nothing here measures time.
    testTimeout: 400_000,
    hookTimeout: 400_000,
    // Processes, not threads: native libraries keep one state per process.
    pool: 'forks',
    // Three more than there are cores: much of the time is spent waiting for browsers and other runtimes.
    maxWorkers: availableParallelism() + 3,
    sequence: { sequencer: LongestFirst },
    // CSDP's threads spin while they wait: beside other tests two take twice as long as one.
    env: { OMP_NUM_THREADS: '1' },
  },
});
