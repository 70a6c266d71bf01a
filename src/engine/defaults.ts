/** What `createEngine` takes where nothing is said. */
export const ENGINE_DEFAULTS = {
  engine: 'auto',
  /** Threads of an engine on the CPU: as many as the machine runs side by side, but no more than these. */
  mostThreads: 8,
} as const;
