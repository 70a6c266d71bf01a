/** The .nnet files of ACAS Xu among the formats. */
import type { Format } from '../format.ts';

export const NNET: Format = {
  name: '.nnet',
  ending: /\.nnet$/i,
  // Its first lines are comments.
  begins: (bytes) => bytes[0] === 0x2f && bytes[1] === 0x2f,
  options: ['units'],
  async read(bytes, file, _external, { units }) {
    const { readNnet } = await import('./read.ts');
    return readNnet(bytes, file, units ?? 'normalized');
  },
};
