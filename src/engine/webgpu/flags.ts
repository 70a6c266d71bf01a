/** Flags of WebGPU by their values in its specification: Node's package does not define them globally. */
export const bufferUsage = {
  mapRead: 0x1,
  copySource: 0x4,
  copyTarget: 0x8,
  uniform: 0x40,
  storage: 0x80,
} as const;
export const computeStage = 0x4;
export const mapForReading = 0x1;
