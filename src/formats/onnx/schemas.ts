/**
 * The operators that are read, as ONNX defines them: inputs, outputs, types and attributes of operator sets 7 to 28
 * (from the definitions of ONNX 1.23).
 */
import { AttributeType } from './attributes.ts';
import type { ElementType } from './elementType.ts';

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

const FLOATS = ['float16', 'bfloat16', 'float', 'double'] as const;
const SIGNED = ['int8', 'int16', 'int32', 'int64'] as const;
const UNSIGNED = ['uint8', 'uint16', 'uint32', 'uint64'] as const;
const WIDE = ['int32', 'int64', 'uint32', 'uint64'] as const;
const INDICES = ['int32', 'int64'] as const;
const NUMBERS = [...FLOATS, ...SIGNED, ...UNSIGNED] as const;
const ALL = [...NUMBERS, 'bool'] as const;

/** An operator set, `inputs -> outputs` by types (`?`: optional, `*`: one or more), and attributes (`!`: required). */
type WrittenForm = readonly [since: number, signature: string, attributes?: string];

const KERNEL = 'auto_pad:string dilations:ints group:int kernel_shape:ints pads:ints strides:ints';

export const SCHEMAS: ReadonlyMap<string, Schema> = new Map([
  schema('Abs', { T: NUMBERS }, [6, 'T -> T']),
  schema('Add', { T: NUMBERS }, [7, 'T T -> T']),
  schema('Atan', { T: FLOATS }, [7, 'T -> T']),
  schema(
    'AveragePool',
    { T: FLOATS },
    [7, 'T -> T', 'auto_pad:string count_include_pad:int kernel_shape:ints! pads:ints strides:ints'],
    [
      10,
      'T -> T',
      'auto_pad:string ceil_mode:int count_include_pad:int kernel_shape:ints! pads:ints strides:ints',
    ],
    [
      19,
      'T -> T',
      'auto_pad:string ceil_mode:int count_include_pad:int dilations:ints kernel_shape:ints! pads:ints strides:ints',
    ],
  ),
  schema(
    'BatchNormalization',
    { T: FLOATS, U: FLOATS, T1: FLOATS, T2: FLOATS },
    [7, 'T T T T T -> T T? T? T? T?', 'epsilon:float momentum:float spatial:int'],
    [9, 'T T T T T -> T T? T? T? T?', 'epsilon:float momentum:float'],
    [14, 'T T T U U -> T U? U?', 'epsilon:float momentum:float training_mode:int'],
    [15, 'T T1 T1 T2 T2 -> T T2? T2?', 'epsilon:float momentum:float training_mode:int'],
  ),
  schema(
    'Cast',
    { T1: ALL, T2: ALL },
    [6, 'T1 -> T2', 'to:int!'],
    [19, 'T1 -> T2', 'saturate:int to:int!'],
    [24, 'T1 -> T2', 'round_mode:string saturate:int to:int!'],
  ),
  schema(
    'CastLike',
    { T1: ALL, T2: ALL },
    [15, 'T1 T2 -> T2'],
    [19, 'T1 T2 -> T2', 'saturate:int'],
    [24, 'T1 T2 -> T2', 'round_mode:string saturate:int'],
  ),
  schema('Ceil', { T: FLOATS }, [6, 'T -> T']),
  schema('Celu', { T: FLOATS }, [12, 'T -> T', 'alpha:float']),
  schema('Clip', { T: NUMBERS }, [6, 'T -> T', 'max:float min:float'], [11, 'T T? T? -> T']),
  schema('Concat', { T: ALL }, [4, 'T* -> T', 'axis:int!']),
  schema(
    'Constant',
    { T: ALL },
    [1, '-> T', 'value:tensor!'],
    [11, '-> T', 'sparse_value:sparse_tensor value:tensor'],
    [
      12,
      '-> T',
      'sparse_value:sparse_tensor value:tensor value_float:float value_floats:floats value_int:int value_ints:ints value_string:string value_strings:strings',
    ],
  ),
  schema('ConstantOfShape', { T1: ['int64'], T2: ALL }, [9, 'T1 -> T2', 'value:tensor']),
  schema('Conv', { T: FLOATS }, [1, 'T T T? -> T', KERNEL]),
  schema('ConvTranspose', { T: FLOATS }, [
    1,
    'T T T? -> T',
    `${KERNEL} output_padding:ints output_shape:ints`,
  ]),
  schema('Cos', { T: FLOATS }, [7, 'T -> T']),
  schema('Div', { T: NUMBERS }, [7, 'T T -> T']),
  schema(
    'Dropout',
    { T: FLOATS, T1: [...FLOATS, 'bool'], T2: ['bool'] },
    [7, 'T -> T T?', 'ratio:float'],
    [10, 'T -> T T1?', 'ratio:float'],
    [12, 'T T1? T2? -> T T2?', 'seed:int'],
  ),
  schema('Elu', { T: FLOATS }, [6, 'T -> T', 'alpha:float']),
  schema('Equal', { T: ALL, T1: ['bool'] }, [7, 'T T -> T1']),
  schema('Erf', { T: NUMBERS }, [9, 'T -> T']),
  schema('Exp', { T: FLOATS }, [6, 'T -> T']),
  schema('Expand', { T: ALL }, [8, 'T int64 -> T']),
  schema('Flatten', { T: ALL }, [1, 'T -> T', 'axis:int']),
  schema('Floor', { T: FLOATS }, [6, 'T -> T']),
  schema('Gather', { T: ALL, Tind: INDICES }, [1, 'T Tind -> T', 'axis:int']),
  schema('Gelu', { T: FLOATS }, [20, 'T -> T', 'approximate:string']),
  schema(
    'Gemm',
    { T: [...FLOATS, ...WIDE] },
    [7, 'T T T -> T', 'alpha:float beta:float transA:int transB:int'],
    [11, 'T T T? -> T', 'alpha:float beta:float transA:int transB:int'],
  ),
  schema('GlobalAveragePool', { T: FLOATS }, [1, 'T -> T']),
  schema('GlobalMaxPool', { T: FLOATS }, [1, 'T -> T']),
  schema('Greater', { T: NUMBERS, T1: ['bool'] }, [7, 'T T -> T1']),
  schema('HardSigmoid', { T: FLOATS }, [6, 'T -> T', 'alpha:float beta:float']),
  schema('HardSwish', { T: FLOATS }, [14, 'T -> T']),
  schema('Identity', { T: ALL }, [1, 'T -> T']),
  schema('LeakyRelu', { T: FLOATS }, [6, 'T -> T', 'alpha:float']),
  schema('Less', { T: NUMBERS, T1: ['bool'] }, [7, 'T T -> T1']),
  schema('Log', { T: FLOATS }, [6, 'T -> T']),
  schema('LogSoftmax', { T: FLOATS }, [1, 'T -> T', 'axis:int']),
  schema('MatMul', { T: [...FLOATS, ...WIDE] }, [1, 'T T -> T']),
  schema('Max', { T: NUMBERS }, [6, 'T* -> T']),
  schema(
    'MaxPool',
    { T: [...FLOATS, 'int8', 'uint8'], I: ['int64'] },
    [1, 'T -> T', 'auto_pad:string kernel_shape:ints! pads:ints strides:ints'],
    [8, 'T -> T I?', 'auto_pad:string kernel_shape:ints! pads:ints storage_order:int strides:ints'],
    [
      10,
      'T -> T I?',
      'auto_pad:string ceil_mode:int dilations:ints kernel_shape:ints! pads:ints storage_order:int strides:ints',
    ],
  ),
  schema('Mean', { T: FLOATS }, [6, 'T* -> T']),
  schema('Min', { T: NUMBERS }, [6, 'T* -> T']),
  schema('Mish', { T: FLOATS }, [18, 'T -> T']),
  schema('Mul', { T: NUMBERS }, [7, 'T T -> T']),
  schema('Neg', { T: [...FLOATS, ...SIGNED] }, [6, 'T -> T']),
  schema('Not', { T: ['bool'] }, [1, 'T -> T']),
  schema('PRelu', { T: [...FLOATS, ...WIDE] }, [7, 'T T -> T']),
  schema(
    'Pad',
    { T: ALL, Tind: INDICES },
    [2, 'T -> T', 'mode:string pads:ints! value:float'],
    [11, 'T int64 T? -> T', 'mode:string'],
    [18, 'T int64 T? Tind? -> T', 'mode:string'],
  ),
  schema('Pow', { T: [...FLOATS, ...INDICES], T1: NUMBERS }, [7, 'T T -> T'], [12, 'T T1 -> T']),
  schema(
    'Range',
    { T: [...FLOATS, ...INDICES, 'int16'] },
    [11, 'T T T -> T'],
    [27, 'T T T -> T', 'stash_type:int'],
  ),
  schema('Reciprocal', { T: FLOATS }, [6, 'T -> T']),
  schema(
    'ReduceL1',
    { T: [...FLOATS, ...WIDE] },
    [1, 'T -> T', 'axes:ints keepdims:int'],
    [18, 'T int64? -> T', 'keepdims:int noop_with_empty_axes:int'],
  ),
  schema(
    'ReduceL2',
    { T: [...FLOATS, ...WIDE] },
    [1, 'T -> T', 'axes:ints keepdims:int'],
    [18, 'T int64? -> T', 'keepdims:int noop_with_empty_axes:int'],
  ),
  schema(
    'ReduceMax',
    { T: [...FLOATS, ...WIDE, 'int8', 'uint8', 'bool'] },
    [1, 'T -> T', 'axes:ints keepdims:int'],
    [18, 'T int64? -> T', 'keepdims:int noop_with_empty_axes:int'],
  ),
  schema(
    'ReduceMean',
    { T: [...FLOATS, ...WIDE] },
    [1, 'T -> T', 'axes:ints keepdims:int'],
    [18, 'T int64? -> T', 'keepdims:int noop_with_empty_axes:int'],
  ),
  schema(
    'ReduceMin',
    { T: [...FLOATS, ...WIDE, 'int8', 'uint8', 'bool'] },
    [1, 'T -> T', 'axes:ints keepdims:int'],
    [18, 'T int64? -> T', 'keepdims:int noop_with_empty_axes:int'],
  ),
  schema(
    'ReduceProd',
    { T: [...FLOATS, ...WIDE] },
    [1, 'T -> T', 'axes:ints keepdims:int'],
    [18, 'T int64? -> T', 'keepdims:int noop_with_empty_axes:int'],
  ),
  schema(
    'ReduceSum',
    { T: [...FLOATS, ...WIDE] },
    [1, 'T -> T', 'axes:ints keepdims:int'],
    [13, 'T int64? -> T', 'keepdims:int noop_with_empty_axes:int'],
  ),
  schema(
    'ReduceSumSquare',
    { T: [...FLOATS, ...WIDE] },
    [1, 'T -> T', 'axes:ints keepdims:int'],
    [18, 'T int64? -> T', 'keepdims:int noop_with_empty_axes:int'],
  ),
  schema('Relu', { T: [...FLOATS, ...SIGNED] }, [6, 'T -> T']),
  schema('Reshape', { T: ALL }, [5, 'T int64 -> T'], [14, 'T int64 -> T', 'allowzero:int']),
  schema('Selu', { T: FLOATS }, [6, 'T -> T', 'alpha:float gamma:float']),
  schema('Shape', { T: ALL, T1: ['int64'] }, [1, 'T -> T1'], [15, 'T -> T1', 'end:int start:int']),
  schema('Sigmoid', { T: FLOATS }, [6, 'T -> T']),
  schema('Sin', { T: FLOATS }, [7, 'T -> T']),
  schema('Size', { T: ALL, T1: ['int64'] }, [1, 'T -> T1']),
  schema(
    'Slice',
    { T: ALL, Tind: INDICES },
    [1, 'T -> T', 'axes:ints ends:ints! starts:ints!'],
    [10, 'T Tind Tind Tind? Tind? -> T'],
  ),
  schema('Softmax', { T: FLOATS }, [1, 'T -> T', 'axis:int']),
  schema('Softplus', { T: FLOATS }, [1, 'T -> T']),
  schema('Softsign', { T: FLOATS }, [1, 'T -> T']),
  schema(
    'Split',
    { T: ALL },
    [2, 'T -> T*', 'axis:int split:ints'],
    [13, 'T int64? -> T*', 'axis:int'],
    [18, 'T int64? -> T*', 'axis:int num_outputs:int'],
  ),
  schema('Sqrt', { T: FLOATS }, [6, 'T -> T']),
  schema('Squeeze', { T: ALL }, [1, 'T -> T', 'axes:ints'], [13, 'T int64? -> T']),
  schema('Sub', { T: NUMBERS }, [7, 'T T -> T']),
  schema('Sum', { T: FLOATS }, [6, 'T* -> T']),
  schema('Swish', { T: FLOATS }, [24, 'T -> T', 'alpha:float']),
  schema('Tanh', { T: FLOATS }, [6, 'T -> T']),
  schema('Tile', { T: ALL, T1: ['int64'] }, [6, 'T T1 -> T']),
  schema('Transpose', { T: ALL }, [1, 'T -> T', 'perm:ints']),
  schema('Unsqueeze', { T: ALL }, [1, 'T -> T', 'axes:ints!'], [13, 'T int64 -> T']),
  schema('Where', { B: ['bool'], T: ALL }, [9, 'B T T -> T']),
]);

function schema(
  opType: string,
  types: Readonly<Record<string, readonly ElementType[]>>,
  ...forms: readonly WrittenForm[]
): [string, Schema] {
  const variables = new Map(Object.entries(types).map(([variable, allowed]) => [variable, new Set(allowed)]));
  return [opType, { types: variables, forms: forms.map(form) }];
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
