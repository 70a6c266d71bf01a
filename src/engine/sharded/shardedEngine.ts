/**
 * An engine whose batches lie on several others: every shard holds its part of each batch and computes with it, as by itself; what is taken over
 * a whole batch (maxima of row sums, radii, sums) the shards tell each other through this one, a few kilobytes each time. Vectors, and
 * batches of fewer entries than there are shards, are on all of them.
 *
 * Multipliers have to be the same at all frequencies: a vector that is taken from matrices which all shards have, each as it has computed them,
 * they agree on as well. Maxima do not depend on where entries lie; sums are added up in the order of the shards. Of an entry that is missing nothing is computed:
 * a shard that is lost loses the engine, and every part says of how many entries it is.
 */

import { InputError } from '../../errors.ts';
import type { Data, Engine, EngineInformation } from '../engine.ts';
import type { Handle, Matrices, Shape, Vector } from '../handles.ts';
import { isShape, type Name, type ResultShape, recordedOperations, withOperands } from '../operations.ts';
import { checkDimension, dataLength } from '../shapes.ts';
import type { OpenChannel } from './channel.ts';
import { type Combine, joined, largestOf, leastOf, meanOf, sumOf } from './combine.ts';
import { Sharded, ShardedMatrices, ShardedVector } from './handles.ts';
import { isAligned, isSplit, startsOf } from './layout.ts';
import type { Id, Reference } from './protocol.ts';
import { Shards } from './shards.ts';

/** How what is taken over the entries of a shard becomes what it is over all of them. */
const OVER_BATCHES: Readonly<Partial<Record<Name, Combine>>> = {
  rowSums: largestOf,
  columnMaximum: largestOf,
  diagonal: largestOf,
  spectralRadius: largestOf,
  offDiagonalRadius: largestOf,
  estimatedRadius: largestOf,
  diagonalSum: sumOf,
  windowSum: sumOf,
};

/** Operations with a vector of one entry for every entry of the batch, and which parameter that is. */
const BY_ENTRY: Readonly<Partial<Record<Name, number>>> = { scaleBatch: 1, windowSum: 2 };

/**
 * @param open opens a channel to a shard; each is opened at once
 * @returns once all are there
 * @throws InputError where one cannot be opened, or where they are of several kinds, whose vectors could differ
 */
export async function openShards(open: readonly OpenChannel[]): Promise<Engine> {
  const shards = new Shards(open);
  try {
    const information = await shards.opened;
    return engineOver(shards, information);
  } catch (error) {
    await shards.close();
    throw error;
  }
}

function engineOver(shards: Shards, each: readonly EngineInformation[]): Engine {
  const own = each[0]!;
  const other = each.find(({ description }) => description !== own.description);
  // All of them compute the same vectors.
  if (other)
    throw new InputError(
      `workers: must compute alike, got ${own.description} and ${other.description}: choose one with --engine`,
    );
  const { count } = shards;
  const idOf = (operation: string, handle: Handle) => Sharded.idOf(handle, shards, operation);
  const split = (handle: Handle) => handle.kind === 'matrices' && isSplit(handle.batch, count);
  const reference = (kind: Handle['kind'], id: Id): Reference => ({ kind, reference: id });
  const held = (k: number, batch: number) => {
    const starts = startsOf(batch, count);
    return starts[k + 1]! - starts[k]!;
  };

  /** Records an operation as the shards do it, each with its own parameters; the ids of what they hold then. */
  function operated<R extends Id | Readonly<Record<string, Id>>>(
    name: Name,
    ids: R,
    parameters: (shard: number) => readonly unknown[],
  ): R {
    shards.record((k) => ({ kind: 'operation', name, parameters: parameters(k), ids }));
    return ids;
  }

  /** What all of them make of what each has computed over its entries of a batch. */
  function exchanged(of: Id, over: Id, entries: number, combine: Combine, shape?: Shape, shares = false): Id {
    const id = shards.newId();
    const turn = shards.expect(combine, entries, shares);
    shards.record(() => ({ kind: 'exchange', turn, id, of, over, ...(shape && { shape }) }));
    return id;
  }

  /** What all of them take a vector for that each has computed from matrices of its own. */
  function agreed(of: Id, combine: Combine): Id {
    const id = shards.newId();
    const turn = shards.expect(combine, count);
    shards.record(() => ({ kind: 'exchange', turn, id, of }));
    return id;
  }

  const released = (...ids: Id[]) => shards.record(() => ({ kind: 'release', ids }));

  /** A part of each whole batch. */
  function sliced(whole: Id, batch: number): Id {
    const id = shards.newId();
    const starts = startsOf(batch, count);
    shards.record((k) => ({ kind: 'slice', id, of: whole, start: starts[k]!, end: starts[k + 1]! }));
    released(whole);
    return id;
  }

  /** For every shard the entries of a vector that belong to its part of a batch. */
  function sharedOut(vector: Id, batch: number): Id {
    const starts = startsOf(batch, count);
    return operated('maximumOver', shards.newId(), (k) => [
      reference('vector', vector),
      Array.from({ length: held(k, batch) }, (_, i) => Int32Array.of(starts[k]! + i)),
    ]);
  }

  /** `alias` or its adjoint, where what belongs together lies on several shards. */
  function aliased(name: 'alias' | 'aliasAdjoint', source: Matrices, of: number, shape: Shape): Id {
    const id = idOf(name, source);
    const whole = split(source)
      ? exchanged(id, id, source.batch, joined, {
          ...{ batch: source.batch, rows: source.rows, columns: source.columns, complex: source.complex },
        })
      : id;
    const result = operated(name, shards.newId(), () => [reference('matrices', whole), of]);
    if (whole !== id) released(whole);
    return isSplit(shape.batch, count) ? sliced(result, shape.batch) : result;
  }

  function recorded(name: Name, given: readonly unknown[], shape: ResultShape): unknown {
    const handles: Handle[] = [];
    const parameters = withOperands(name, given, (handle) => {
      handles.push(handle);
      return reference(handle.kind, idOf(name, handle));
    });
    const handleOf = (id: Id, one: Shape | number) =>
      typeof one === 'number' ? new ShardedVector(shards, id, one) : new ShardedMatrices(shards, id, one);
    if (!isShape(shape)) {
      const ids = Object.fromEntries(Object.keys(shape).map((key) => [key, shards.newId()]));
      operated(name, ids, () => parameters);
      const over = handles.find(split) as Matrices | undefined;
      return Object.fromEntries(
        Object.entries(shape).map(([key, one]) => {
          // Of several results the vectors are what all entries agree on: whether all are definite.
          if (typeof one !== 'number') return [key, handleOf(ids[key]!, one)];
          const all = over
            ? exchanged(ids[key]!, idOf(name, over), over.batch, leastOf)
            : agreed(ids[key]!, leastOf);
          released(ids[key]!);
          return [key, handleOf(all, one)];
        }),
      );
    }
    return handleOf(computed(name, given, parameters, handles, shape), shape);
  }

  function computed(
    name: Name,
    given: readonly unknown[],
    parameters: readonly unknown[],
    handles: readonly Handle[],
    shape: Shape | number,
  ): Id {
    const batch = typeof shape === 'number' ? 1 : shape.batch;
    const over = handles.find(split) as Matrices | undefined;
    if (name === 'symbol' && isSplit(batch, count)) {
      // Frequencies are rows there.
      const starts = startsOf(batch, count);
      const phases = given[1] as Matrices;
      const own = operated('submatrix', shards.newId(), (k) => [
        parameters[1],
        [[starts[k]!, starts[k + 1]!]],
        [[0, phases.columns]],
      ]);
      const [taps, , ...rest] = parameters;
      const id = operated(name, shards.newId(), () => [taps, reference('matrices', own), ...rest]);
      released(own);
      return id;
    }
    if (name === 'alias' || name === 'aliasAdjoint') {
      const [source, of] = given as [Matrices, number];
      const smaller = name === 'alias' ? batch : source.batch;
      if (over && smaller === 1) {
        const local = operated(name, shards.newId(), (k) => [parameters[0], held(k, source.batch)]);
        const counts = Array.from({ length: count }, (_, k) => held(k, source.batch));
        const whole = shape as Shape;
        const id = exchanged(local, idOf(name, source), source.batch, meanOf(counts), whole);
        released(local);
        return id;
      }
      const aligned = isSplit(smaller, count) && isAligned(smaller, of, count);
      if (!aligned) return aliased(name, source, of, shape as Shape);
    }
    const at = BY_ENTRY[name];
    const entries = at === undefined ? undefined : (given[at] as Vector);
    if (at !== undefined && entries && isSplit(entries.length, count)) {
      const own = sharedOut(idOf(name, entries), entries.length);
      const changed = parameters.map((one, k) => (k === at ? reference('vector', own) : one));
      const local = operated(name, shards.newId(), () => changed);
      const combine = OVER_BATCHES[name];
      const id = combine ? exchanged(local, own, entries.length, combine, shape as Shape) : local;
      released(own, ...(id === local ? [] : [local]));
      return id;
    }
    const result = operated(name, shards.newId(), () => parameters);
    const combine = OVER_BATCHES[name];
    if (!over) {
      if (isSplit(batch, count)) return sliced(result, batch);
      if (!combine || typeof shape !== 'number') return result;
      const all = agreed(result, largestOf);
      released(result);
      return all;
    }
    if (!combine) return result;
    const shares = name === 'rowSums';
    const id = exchanged(
      result,
      idOf(name, over),
      over.batch,
      combine,
      typeof shape === 'number' ? undefined : shape,
      shares,
    );
    released(result);
    return id;
  }

  const memory = each.every((one) => one.memory !== undefined)
    ? each.reduce((sum, one) => sum + one.memory!, 0)
    : undefined;
  return {
    information: {
      name: own.name,
      description: `${count} processes, each ${own.description}`,
      unitRoundoff: own.unitRoundoff,
      threads: count * own.threads,
      ...(memory !== undefined && { memory }),
    },

    ...recordedOperations(recorded),

    windowSumOperations: ({ columns, complex }, batch) =>
      // In whatever order all terms are added up, and then the parts.
      (complex ? 2 : 1) * columns * batch + 2 + count,

    get peakBytes() {
      return shards.peakBytes;
    },

    matrices(data, batch, rows, columns, complex) {
      const shape: Shape = { batch, rows, columns, complex };
      const values = valuesOf(data);
      dataLength(shape, values);
      const id = shards.newId();
      const entry = rows * columns * (complex ? 2 : 1);
      const starts = startsOf(batch, count);
      shards.record((k) =>
        isSplit(batch, count)
          ? {
              ...{ kind: 'matrices', id, shape: { ...shape, batch: held(k, batch) } },
              data: values.slice(starts[k]! * entry, starts[k + 1]! * entry),
            }
          : { kind: 'matrices', id, data: values, shape },
      );
      return new ShardedMatrices(shards, id, shape);
    },

    vector(data) {
      checkDimension('vector', 'length', data.length);
      const id = shards.newId();
      const copy = new Float64Array(data);
      shards.record(() => ({ kind: 'vector', id, data: copy }));
      return new ShardedVector(shards, id, data.length);
    },

    async read(...handles) {
      const ids = handles.map((handle) => idOf('read', handle));
      const values = await shards.ask((request, k) => {
        // What all of them hold the first one tells.
        const own = ids.filter((_, i) => k === 0 || split(handles[i]!));
        return k === 0 || own.length > 0 ? { kind: 'read', request, ids: own } : undefined;
      });
      const of = values.map((own) => (own ?? []).values());
      return handles.map((handle) =>
        split(handle) ? joined(of.map((own) => own.next().value!)) : of[0]!.next().value!,
      );
    },

    async settle(signal) {
      await shards.ask((request) => ({ kind: 'settle', request }), signal);
    },

    release(...handles) {
      const ids = handles.map((handle) => Sharded.idOf(handle, shards, 'release', true));
      if (ids.length > 0) released(...ids);
    },

    close: () => shards.close(),
  };
}

function valuesOf(data: Data): Float64Array | Float32Array {
  return typeof data === 'function' ? data() : data;
}
