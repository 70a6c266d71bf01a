/** Files of weights alone among the formats: they say nothing of what lies between the weights. */
import { isSafetensors, isZip } from '../../arrays/signatures.ts';

import { InputError } from '../../errors.ts';
import type { Format } from '../format.ts';
import { isHdf5 } from '../hdf5/signature.ts';
import { isMatlab5 } from './matlab/signature.ts';
import { isLegacyTorch } from './torch/legacy.ts';

export const WEIGHTS: Format = {
  name: 'weights with an architecture in JSON',
  ending: /\.(pth|pt|ckpt|safetensors|npz|mat)$/i,
  begins: (bytes) =>
    [isZip, isLegacyTorch, isMatlab5, isHdf5].some((is) => is(bytes)) || isSafetensors(bytes, ''),
  options: [],
  async read(bytes, file) {
    // What cannot be read says so first.
    const { openWeights } = await import('./open.ts');
    await openWeights(bytes, file);
    throw new InputError(
      `${file}: holds weights alone, which do not say what lies between them; \`lipsoid describe ${file} > net.json\` proposes an architecture, to be completed and bounded`,
    );
  },
};
