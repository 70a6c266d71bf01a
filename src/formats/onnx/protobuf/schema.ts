/** How ONNX defines an operator: inputs, outputs, types and attributes, by operator set; and a short way to write it down. */
import { AttributeType } from '../values/attributes.ts';
import type { ElementType } from '../values/elementType.ts';

/** What stands in the place of an input or output. */
export interface Formal {
  /** A type variable of the schema, or a type. */
  readonly type: string;
  readonly optional: boolean;
  /** Whether it stands for one or more; the last alone may. */
  readonly variadic: boolean;
}

export interface FormalAttribute {
  /** AttributeProto.type */
  readonly type: number;
  readonly required: boolean;
}

/** An operator from some operator set on. */
export interface Form {
  readonly since: number;
  readonly inputs: readonly Formal[];
  readonly outputs: readonly Formal[];
  readonly attributes: ReadonlyMap<string, FormalAttribute>;
}

export interface Schema {
  /** The types that each type variable may stand for in any operator set, as far as they are read. */
  readonly types: ReadonlyMap<string, ReadonlySet<ElementType>>;
  /** Oldest first. */
  readonly forms: readonly Form[];
}

export const FLOATS = ['float16', 'bfloat16', 'float', 'double'] as const;
export const SIGNED = ['int8', 'int16', 'int32', 'int64'] as const;
const UNSIGNED = ['uint8', 'uint16', 'uint32', 'uint64'] as const;
export const WIDE = ['int32', 'int64', 'uint32', 'uint64'] as const;
export const INDICES = ['int32', 'int64'] as const;
export const NUMBERS = [...FLOATS, ...SIGNED, ...UNSIGNED] as const;
export const ALL = [...NUMBERS, 'bool'] as const;

/** An operator set, `inputs -> outputs` by types (`?`: optional, `*`: one or more), and attributes (`!`: required). */
export type WrittenForm = readonly [since: number, signature: string, attributes?: string];

/** The schema of an operator from the types of its variables and its forms, oldest first. */
export function schema(
  types: Readonly<Record<string, readonly ElementType[]>>,
  ...forms: readonly WrittenForm[]
): Schema {
  const variables = new Map(Object.entries(types).map(([variable, allowed]) => [variable, new Set(allowed)]));
  return { types: variables, forms: forms.map(form) };
}

function form([since, signature, attributes = '']: WrittenForm): Form {
  const [inputs, outputs] = signature.split('->').map((side) => words(side).map(formal));
  return {
    since,
    inputs: inputs!,
    outputs: outputs!,
    attributes: new Map(words(attributes).map(formalAttribute)),
  };
}

function words(text: string): string[] {
  return text.split(' ').filter((word) => word !== '');
}

function formal(written: string): Formal {
  return {
    type: written.replace(/[?*]$/, ''),
    optional: written.endsWith('?'),
    variadic: written.endsWith('*'),
  };
}

function formalAttribute(written: string): [string, FormalAttribute] {
  const [name, type] = written.split(':') as [string, string];
  const key = type.replace('!', '').toUpperCase() as keyof typeof AttributeType;
  return [name, { type: AttributeType[key], required: type.endsWith('!') }];
}
