import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    setupFiles: ['test/support/seed.ts'],
    // Bounding a real network takes seconds on one core of a busy machine; nothing here measures time.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // Processes, not threads: native libraries keep one state per process.
    pool: 'forks',
    // One more than there are cores: much of the time is spent waiting for browsers and other runtimes.
    maxWorkers: availableParallelism() + 1,
  },
});
