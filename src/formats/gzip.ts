/** Models that are packed with gzip, as `model.onnx.gz`. */
import { bytesSource, inflated, stored } from '../arrays/stretch.ts';
import { InputError } from '../errors.ts';

/** Weights hardly become smaller; what becomes so much larger is no model that anybody has trained. */
const MOST_PER_BYTE = 100;
const FREE_BYTES = 2 ** 24;
/** What one array holds at most. */
const MOST_BYTES = 2 ** 31 - 1;

export interface NamedBytes {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/**
 * What a file holds, and what it would be called; the file itself where it is not packed.
 * @throws InputError for what is broken, or is out of all proportion unpacked, before that is held
 */
export async function unpacked(file: NamedBytes): Promise<NamedBytes> {
  const { name, bytes } = file;
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return file;
  const most = Math.min(MOST_BYTES, FREE_BYTES + MOST_PER_BYTE * bytes.length);
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of inflated(
    stored(bytesSource(name, bytes), 0, bytes.length),
    'gzip',
    undefined,
  ).open(0)) {
    length += piece.length;
    if (length > most) {
      throw new InputError(
        `${name}: must hold at most ${most} bytes, which its ${bytes.length} stand for, got more`,
      );
    }
    pieces.push(piece);
  }
  const whole = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return { name: name.replace(/\.gz$/i, ''), bytes: whole };
}
