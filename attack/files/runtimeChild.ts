/** The same file in ONNX Runtime (WebAssembly): another reader, which shares nothing with this project. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as ort from 'onnxruntime-web';
import { serve } from '../limited/serve.ts';
import type { Values } from './child.ts';

export interface RuntimeJob {
  readonly folder: string;
  readonly values: Pick<Values, 'output' | 'shape' | 'points'>;
}

export type RuntimeAnswer =
  | { readonly images: readonly Float64Array[] }
  /** It does not load or run the model: its own words. */
  | { readonly refused: string }
  /** It does, but not in a way that could be compared. */
  | { readonly incomparable: string };

ort.env.wasm.numThreads = 1;
ort.env.logLevel = 'fatal';

async function run({ folder, values }: RuntimeJob): Promise<RuntimeAnswer> {
  let session: ort.InferenceSession;
  try {
    session = await ort.InferenceSession.create(new Uint8Array(readFileSync(join(folder, 'model.onnx'))), {
      executionProviders: ['wasm'],
      graphOptimizationLevel: 'disabled',
      logSeverityLevel: 4,
      externalData: readdirSync(folder, { withFileTypes: true })
        .filter((entry) => entry.isFile() && entry.name !== 'model.onnx')
        .map(({ name }) => ({ path: name, data: new Uint8Array(readFileSync(join(folder, name))) })),
    });
  } catch (error) {
    return { refused: words(error) };
  }
  try {
    return await images(session, values);
  } catch (error) {
    return { refused: words(error) };
  } finally {
    await session.release();
  }
}

async function images(
  session: ort.InferenceSession,
  { output, shape, points }: RuntimeJob['values'],
): Promise<RuntimeAnswer> {
  const inputs = session.inputMetadata.filter((input) => session.inputNames.includes(input.name));
  const [input] = inputs;
  if (inputs.length !== 1 || !input?.isTensor) return { incomparable: 'inputs' };
  const double = input.type === 'float64';
  if (!double && input.type !== 'float32') return { incomparable: `input of type ${input.type}` };
  const dims = fedDims(input.shape, shape);
  if (!dims) return { incomparable: 'input shape' };
  const size = shape.reduce((a, b) => a * b, 1);
  const rows = dims.reduce((a, b) => a * b, 1) / size;
  const name = session.outputNames.includes(output) ? output : session.outputNames[0]!;
  const images: Float64Array[] = [];
  for (let start = 0; start < points.length; start += rows) {
    const fed = new Float64Array(rows * size);
    // Rows of a batch that the file fixes hold different points: they must not mix.
    for (let row = 0; row < rows; row++) fed.set(points[(start + row) % points.length]!, row * size);
    const tensor = double
      ? new ort.Tensor('float64', fed, dims)
      : new ort.Tensor('float32', Float32Array.from(fed), dims);
    const result = (await session.run({ [input.name]: tensor }, [name]))[name]!;
    if (result.type !== 'float32' && result.type !== 'float64')
      return { incomparable: `output of type ${result.type}` };
    const data = Float64Array.from(result.data as Float32Array | Float64Array);
    if (data.length % rows !== 0) return { incomparable: 'output shape' };
    const entries = data.length / rows;
    for (let row = 0; row < rows && start + row < points.length; row++)
      images.push(data.slice(row * entries, (row + 1) * entries));
  }
  return { images };
}

/** The dims to feed, one sample's sides filled in from behind; undefined where the ranks say that it is not the same input. */
function fedDims(declared: readonly (number | string)[], shape: readonly number[]): number[] | undefined {
  const extra = declared.length - shape.length;
  if (extra !== 0 && extra !== 1) return undefined;
  const known = (side: number | string | undefined): side is number => typeof side === 'number' && side > 0;
  const batch = extra === 0 ? [] : [known(declared[0]) ? declared[0] : 1];
  const sides = shape.map((side, k) => {
    const own = declared[k + extra];
    return known(own) ? own : side;
  });
  return sides.every((side, k) => side === shape[k]) && (batch[0] ?? 1) <= 64
    ? [...batch, ...sides]
    : undefined;
}

function words(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

serve(run);
