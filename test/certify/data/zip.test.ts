/** Archives that readers take for different things are refused, whatever is in them. */
import { describe, expect, it } from 'vitest';
import { bytesSource } from '../../../src/arrays/stretch.ts';
import { zipEntries } from '../../../src/arrays/zip.ts';
import { InputError } from '../../../src/errors.ts';
import { wholeEntry } from '../../../src/formats/wholeEntry.ts';
import { zip } from './files.ts';

const ELSEWHERE = 0xffffffff;

/** Local headers and data, directory, and the record at the end of an archive. */
function parts(archive: Buffer): { locals: Buffer; directory: Buffer; end: Buffer } {
  const end = archive.subarray(-22);
  const at = end.readUInt32LE(16);
  return { locals: archive.subarray(0, at), directory: archive.subarray(at, -22), end };
}

/** The same archive with records of zip64, which name so many bytes of a directory, and with other numbers in the narrow record. */
function wide(
  { locals, directory, end }: ReturnType<typeof parts>,
  change: { readonly narrowAt?: number; readonly narrowSize?: number; readonly wideAt?: number } = {},
): Buffer {
  const record = Buffer.alloc(56);
  record.writeUInt32LE(0x06064b50, 0);
  record.writeBigUInt64LE(44n, 4);
  record.writeBigUInt64LE(BigInt(directory.length), 40);
  record.writeBigUInt64LE(BigInt(change.wideAt ?? locals.length), 48);
  const locator = Buffer.alloc(20);
  locator.writeUInt32LE(0x07064b50, 0);
  locator.writeBigUInt64LE(BigInt(locals.length + directory.length), 8);
  const narrow = Buffer.from(end);
  narrow.writeUInt32LE(change.narrowSize ?? directory.length, 12);
  narrow.writeUInt32LE(change.narrowAt ?? locals.length, 16);
  return Buffer.concat([locals, directory, record, locator, narrow]);
}

async function read(archive: Buffer): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const entry of await zipEntries(bytesSource('a.zip', new Uint8Array(archive)))) {
    found[entry.name] = new TextDecoder().decode(await wholeEntry(entry, 100));
  }
  return found;
}

const content = { x: Buffer.from('one'), y: Buffer.from('two') };
const whole = zip(content);

describe('an archive is read', () => {
  it.each<[string, Buffer]>([
    ['as it is usually written', whole],
    ['with a comment', zip(content, { comment: 'of mine' })],
    ['with records of zip64 beside narrow ones', wide(parts(whole))],
    ['with records of zip64 alone', wide(parts(whole), { narrowAt: ELSEWHERE, narrowSize: ELSEWHERE })],
  ])('%s', async (_, archive) => {
    expect(await read(archive)).toEqual({ x: 'one', y: 'two' });
  });
});

describe('an archive is refused', () => {
  const twice = Buffer.from(whole.toString('latin1').replaceAll('y', 'x'), 'latin1');
  const { locals, directory, end } = parts(whole);
  // A second directory before the first, of which the wide record speaks.
  const other = Buffer.concat([locals, directory]);
  it.each<[string, Buffer, RegExp]>([
    ['with two entries of one name', twice, /two entries of the name x/],
    [
      'with something between its directory and its end',
      Buffer.concat([locals, directory, Buffer.alloc(4), end]),
      /does not lie before its end/,
    ],
    ['with something before it', Buffer.concat([Buffer.alloc(4), whole]), /does not lie before its end/],
    ['with something behind it', Buffer.concat([whole, Buffer.alloc(4)]), /something lies behind/],
    [
      'with a directory whose last entry is cut',
      (() => {
        const cut = Buffer.from(end);
        cut.writeUInt32LE(directory.length + 4, 12);
        return Buffer.concat([locals, directory, Buffer.alloc(4), cut]);
      })(),
      /ends in an entry/,
    ],
    [
      'with another directory in the records of zip64',
      wide({ locals: other, directory, end }, { wideAt: locals.length }),
      /does not lie before its end/,
    ],
    [
      'with another directory in the narrow record',
      wide({ locals: other, directory, end }, { narrowAt: locals.length }),
      /two directories/,
    ],
  ])('%s', async (_, archive, message) => {
    const error = await read(archive).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(InputError);
    expect((error as Error).message).toMatch(message);
  });
});
