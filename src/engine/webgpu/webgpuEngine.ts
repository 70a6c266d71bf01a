/** An `Engine` in float32 on WebGPU: keeps what handles stand for, records. */
import { InputError } from '../../errors.ts';
import type { Engine } from '../engine.ts';
import type { Shape } from '../handles.ts';
import { recordedOperations, withOperands } from '../operations.ts';
import { unitRoundoffs } from '../precision.ts';
import { checkDimension, dataLength } from '../shapes.ts';
import type { Device } from './device.ts';
import { Holdings } from './memory/holdings.ts';
import type { StoredMatrices, StoredVector } from './memory/stored.ts';
import { windowSumOperations } from './products/windowSum.ts';
import { Reader } from './readBack.ts';
import { Recorder } from './recorder.ts';
import { Timeline } from './timeline.ts';
import { webgpuOperations } from './webgpuOperations.ts';

/** Data with fewer numbers goes to the device when it is recorded, even where it may come later: later is a submission of its own. */
const mostNumbersAtOnce = 2 ** 16;

/** What an operation makes: one result, or several by name. */
type Made = StoredMatrices | StoredVector | Readonly<Record<string, StoredMatrices | StoredVector>>;

function isStored(made: Made): made is StoredMatrices | StoredVector {
  return typeof made.kind === 'string';
}

/** @param device is closed with the engine. */
export function webgpuEngine(device: Device, description: string): Engine {
  const timeline = new Timeline(device);
  const recorder = new Recorder(timeline);
  const reader = new Reader(timeline);
  const holdings = new Holdings();
  return {
    information: {
      ...{ name: 'webgpu', description, unitRoundoff: unitRoundoffs.single, threads: 1 },
      ...(device.memory !== undefined && { memory: device.memory }),
    },

    ...recordedOperations((operation, parameters) => {
      // Each of a type of its own, which a call of any of them cannot name.
      const record = webgpuOperations[operation] as (recorder: Recorder, ...given: unknown[]) => Made;
      const stored = withOperands(operation, parameters, (handle) => holdings.stored(operation, handle));
      const made = record(recorder, ...stored);
      if (isStored(made)) return holdings.held(operation, made);
      const byName = Object.entries(made).map(
        ([name, one]) => [name, holdings.held(operation, one)] as const,
      );
      return Object.fromEntries(byName);
    }),

    windowSumOperations: (w, batch) => windowSumOperations(recorder, w, batch),

    get peakBytes() {
      return timeline.arena.peakBytes;
    },

    /** @throws InputError for numbers beyond the range of float32. */
    matrices(data, batch, rows, columns, complex) {
      holdings.assertOpen('matrices');
      const shape: Shape = { batch, rows, columns, complex };
      const length = dataLength(shape, typeof data === 'function' ? undefined : data);
      const make = () => {
        const made = typeof data === 'function' ? data() : data;
        dataLength(shape, made);
        return single('matrices', made);
      };
      const later = typeof data === 'function' && length > mostNumbersAtOnce;
      return holdings.held(
        'matrices',
        later ? recorder.uploadedLater(shape, make) : recorder.uploaded(shape, make()),
      );
    },

    /** @throws InputError for numbers beyond the range of float32. */
    vector(data) {
      holdings.assertOpen('vector');
      checkDimension('vector', 'length', data.length);
      return holdings.held('vector', recorder.uploadedVector(single('vector', data)));
    },

    read: async (...handles) => reader.read(handles.map((handle) => holdings.stored('read', handle))),

    async settle(signal) {
      holdings.assertOpen('settle');
      await timeline.run('submitted', signal);
    },

    release(...handles) {
      for (const handle of handles) recorder.free(holdings.released(handle));
    },

    async close() {
      holdings.close();
      await timeline.close();
    },
  };
}
/** Rounded to float32: themselves where they are that. Infinity and NaN stay. */
function single(operation: string, data: ArrayLike<number>): Float32Array<ArrayBuffer> {
  if (data instanceof Float32Array && data.buffer instanceof ArrayBuffer) {
    return data as Float32Array<ArrayBuffer>;
  }
  const out = new Float32Array(data);
  // A difference of a number from itself is NaN where the number is infinite or NaN.
  let sum = 0;
  for (let i = 0; i < out.length; i++) sum += out[i]! - out[i]!;
  if (sum === 0) return out;
  for (let i = 0; i < out.length; i++) {
    if (Number.isFinite(out[i]!) || !Number.isFinite(data[i]!)) continue;
    throw new InputError(`${operation}: numbers must fit float32, got ${data[i]}; choose the engine cpu`);
  }
  return out;
}
