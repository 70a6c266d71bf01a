/** An `Engine` over operations that run one after another. */
import type { Engine, EngineInformation } from '../engine.ts';
import type { Handle, Shape } from '../handles.ts';
import { recordedOperations, withOperands } from '../operations.ts';
import { checkDimension, dataLength } from '../shapes.ts';
import type { Eventually, QueuedOperations, Storage } from './operations.ts';
import { type Computed, Queue } from './queue.ts';
import { Turns } from './turns.ts';

/**
 * @typeParam M what holds matrices.
 * @param storage is closed with the engine.
 * @param turns those that the operations take, if they take any.
 */
export function queuedEngine<M extends object>(
  information: EngineInformation,
  operations: QueuedOperations<M>,
  storage: Storage<M>,
  turns = new Turns(),
): Engine {
  const queue = new Queue(storage, turns);
  const held = (data: Float64Array | Float32Array, shape: Shape): M => {
    dataLength(shape, data);
    return storage.hold(data instanceof Float64Array ? data : new Float64Array(data), shape);
  };
  return {
    information,

    ...recordedOperations((operation, parameters, shape) => {
      // Each of a type of its own, which a call of any of them cannot name.
      const compute = operations[operation] as (...given: unknown[]) => Eventually<Computed<M>>;
      const operands: Handle[] = [];
      const sources = withOperands(operation, parameters, (handle) => {
        operands.push(queue.checked(operation, handle));
        return handle;
      });
      return queue.computed(operation, shape, operands, () =>
        compute(...withOperands(operation, sources, (handle) => queue.value(operation, handle))),
      );
    }),

    windowSumOperations: ({ columns, complex }, batch) =>
      // In whatever order all terms of all entries are added up, with their weights.
      (complex ? 2 : 1) * columns * batch + 2,

    get peakBytes() {
      return queue.peakBytes;
    },

    matrices(data, batch, rows, columns, complex) {
      const shape: Shape = { batch, rows, columns, complex };
      if (typeof data === 'function') {
        dataLength(shape, undefined);
        return queue.matrices('matrices', shape, () => held(data(), shape));
      }
      dataLength(shape, data);
      return queue.holdMatrices('matrices', shape, () => held(data, shape));
    },

    vector(data) {
      checkDimension('vector', 'length', data.length);
      return queue.holdVector('vector', data);
    },

    async read(...handles) {
      const sources = handles.map((handle) => queue.checked('read', handle));
      let copies: Float64Array[] = [];
      queue.step('read', sources, async () => {
        copies = await Promise.all(
          sources.map((source) => {
            const value = queue.value('read', source);
            return value instanceof Float64Array ? value.slice() : storage.entries(value);
          }),
        );
      });
      await queue.run();
      return copies;
    },

    async settle(signal) {
      await queue.run(signal);
    },

    release: (...handles) => queue.release(handles),

    async close() {
      await queue.close();
      await storage.close();
    },
  };
}
