import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Folders whose files take longest, longest first: begun last they would run alone in the end. */
const LONGEST = [
  'engine/webgpu',
  'demo',
  'soundness',
  'sdp',
  'attack',
  'bounds',
  'engine',
  'ellipsoid',
  'cli',
  'package',
];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification) => {
      const at = LONGEST.findIndex((folder) => moduleId.includes(`/test/${folder}/`));
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
