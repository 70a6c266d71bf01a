/** Keras's files among the formats: `.keras` is an archive, `.h5` is HDF5. */
import { isZip } from '../../arrays/signatures.ts';
import type { Format } from '../format.ts';
import { isHdf5 } from '../hdf5/signature.ts';

/** Bytes in which an archive names what it holds: those of its directory, at its end. */
const DIRECTORY = 2 ** 16;

export const KERAS: Format = {
  name: 'Keras',
  ending: /\.(keras|h5|hdf5)$/i,
  begins: (bytes) =>
    isZip(bytes) ? named(bytes, 'model.weights.h5') : isHdf5(bytes) && !named(bytes, 'MATLAB'),
  options: ['inputShape'],
  async read(bytes, file, _external, { inputShape }) {
    const { readKeras } = await import('./read.ts');
    return readKeras(bytes, file, inputShape);
  },
};

/** Whether a name stands at the end or in the first bytes of a file. */
function named(bytes: Uint8Array, name: string): boolean {
  const text = (part: Uint8Array) => new TextDecoder('latin1').decode(part);
  return (
    text(bytes.subarray(-DIRECTORY)).includes(name) || text(bytes.subarray(0, name.length)).includes(name)
  );
}
