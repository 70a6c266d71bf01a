import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    setupFiles: ['test/support/seed.ts'],
    // Bounding a real network takes seconds on one core of a busy machine; nothing here measures time.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Processes, not threads: native libraries keep one state per process.
    pool: 'forks',
    // As many as there are cores: much of the time is spent waiting for browsers and other runtimes.
    maxWorkers: '100%',
  },
});
