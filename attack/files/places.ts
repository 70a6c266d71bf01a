/** Every field of a protobuf message and of all that it holds, as places that can be read and changed. */
import { type DescMessage, type Message, ScalarType } from '@bufbuild/protobuf';

/** One number, text or string of bytes. */
export interface ScalarPlace {
  readonly field: string;
  readonly type: ScalarType;
  readonly get: () => unknown;
  readonly set: (value: unknown) => void;
}

/** One repeated field. */
export interface ListPlace {
  readonly field: string;
  /** Lists of the same kind can exchange entries. */
  readonly kind: string;
  readonly entries: unknown[];
}

export interface Places {
  readonly scalars: readonly ScalarPlace[];
  readonly lists: readonly ListPlace[];
}

/** Lists of numbers longer than this are weights: one place stands for them all. */
const MOST_ENTRIES = 16;

export function placesOf(schema: DescMessage, message: Message): Places {
  const scalars: ScalarPlace[] = [];
  const lists: ListPlace[] = [];
  const visit = (type: DescMessage, value: Message): void => {
    const members = value as unknown as Record<string, unknown>;
    for (const field of type.fields) {
      const name = field.localName;
      if (field.fieldKind === 'list') {
        const entries = members[name] as unknown[];
        const kind = field.listKind === 'message' ? field.message.typeName : String(field.scalar);
        lists.push({ field: name, kind, entries });
        for (const k of entries.keys()) {
          if (field.listKind === 'message') visit(field.message, entries[k] as Message);
          else if (field.listKind === 'scalar' && k < MOST_ENTRIES)
            scalars.push({ field: name, type: field.scalar, ...entry(entries, k) });
        }
      } else if (field.oneof) {
        const chosen = members[field.oneof.localName] as { case?: string; value?: unknown };
        if (chosen.case !== name) continue;
        if (field.fieldKind === 'message') visit(field.message, chosen.value as Message);
        else if (field.fieldKind === 'scalar')
          scalars.push({
            field: name,
            type: field.scalar,
            ...entry(chosen as Record<string, unknown>, 'value'),
          });
      } else if (field.fieldKind === 'message') {
        if (members[name]) visit(field.message, members[name] as Message);
      } else if (field.fieldKind === 'scalar') {
        scalars.push({ field: name, type: field.scalar, ...entry(members, name) });
      }
    }
  };
  visit(schema, message);
  return { scalars, lists };
}

function entry(holder: object, key: string | number): Pick<ScalarPlace, 'get' | 'set'> {
  const members = holder as Record<string | number, unknown>;
  return {
    get: () => members[key],
    set: (value) => {
      members[key] = value;
    },
  };
}

/** The nearest value that the field can be written with. */
export function fitting(type: ScalarType, value: bigint): number | bigint {
  const within = (least: bigint, most: bigint) => (value < least ? least : value > most ? most : value);
  switch (type) {
    case ScalarType.INT32:
      return Number(within(-(2n ** 31n), 2n ** 31n - 1n));
    case ScalarType.UINT64:
      return within(0n, 2n ** 64n - 1n);
    default:
      return within(-(2n ** 63n), 2n ** 63n - 1n);
  }
}
