/** State dictionaries of PyTorch, code by code. */
import { floats, zip } from '../../certify/data/files.ts';

/** Codes one behind the other: text of ASCII, single bytes, and what was put together already. */
export function codes(...parts: readonly (string | number | Buffer)[]): Buffer {
  return Buffer.concat(
    parts.map((part) =>
      typeof part === 'number'
        ? Buffer.of(part)
        : typeof part === 'string'
          ? Buffer.from(part, 'latin1')
          : part,
    ),
  );
}

export function unicode(value: string): Buffer {
  const bytes = Buffer.from(value);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(bytes.length);
  return codes('X', length, bytes);
}

/** Storage 0 of so many numbers of float32. */
export function storage(size: number): Buffer {
  return codes(
    '(',
    unicode('storage'),
    'ctorch\nFloatStorage\n',
    unicode('0'),
    unicode('cpu'),
    'K',
    size,
    'tQ',
  );
}

/** The dictionary of what `items` puts on the stack, names and tensors. */
export function dictionary(...items: readonly (string | number | Buffer)[]): Buffer {
  return codes('\x80\x02}(', ...items, 'u.');
}

/** A tensor of [2] on storage 0, with more operands behind those. */
export function tensor(...more: readonly (string | number | Buffer)[]): Buffer {
  const made = 'ctorch._utils\n_rebuild_tensor_v2\n(';
  return codes(made, storage(2), 'K\x00(K\x02t(K\x01t', ...more, 'tR');
}

/** @param more entries of the archive */
export function torchFile(
  pickle: Buffer,
  numbers: readonly number[],
  more: Record<string, Buffer> = {},
): Uint8Array {
  return new Uint8Array(zip({ 'm/data.pkl': pickle, 'm/data/0': floats(numbers), ...more }, { store: true }));
}
