/** Files of PyTorch before 1.6: tar archives and streams of pickles. */
import { InputError } from '../../../errors.ts';

const TAR = 'ustar';
const TAR_AT = 257;

/** Also any other pickle, which is none of ours either. */
export function isLegacyTorch(bytes: Uint8Array): boolean {
  const tar = [...TAR].every((letter, k) => bytes[TAR_AT + k] === letter.charCodeAt(0));
  const pickle = bytes[0] === 0x80 && bytes[1]! >= 2 && bytes[1]! <= 5;
  return tar || pickle;
}

export function refuseLegacyTorch(file: string): never {
  throw new InputError(
    `${file}: must be a zip archive as torch.save writes it since PyTorch 1.6, got an older file or a bare pickle; torch.save(torch.load(FILE, weights_only=True), NEW) makes one of it`,
  );
}
