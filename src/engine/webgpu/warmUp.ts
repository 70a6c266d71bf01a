/** Kernels that nearly every network takes, compiled while its file is still read. */
import type { Device } from './device.ts';
import type { Space } from './memory/arena.ts';
import { Recorder } from './recorder.ts';
import { webgpuOperations as operations } from './webgpuOperations.ts';

/** Rows that fit a block of an inverse, and rows that do not. */
const sizes = [16, 65];
/** As many matrices as keep a device busy in the largest tiles. */
const many = { batch: 256, rows: 129, columns: 129 };

/**
 * Asks for the pipelines of a pass on real and on complex matrices, those of vectors excepted, which are generated as they occur. A driver
 * takes some 15 ms for each, one after another, and a pass takes about fifty. Nothing is computed, and no memory taken.
 */
export function warmUp(device: Device): void {
  const nowhere: Space = { id: -1, buffer: {} as GPUBuffer, bytes: 0, waste: 0, lastUse: -1 };
  const recorder = new Recorder({
    device,
    take: () => nowhere,
    upload: () => nowhere,
    uploadLater: () => nowhere,
    give: () => {},
    dispatch: (kernel, { complex = false, constants = {} }) => {
      device.variant(kernel, complex, constants);
    },
  });
  for (const complex of [false, true]) {
    for (const rows of sizes) {
      const matrices = (batch: number, columns = rows) =>
        recorder.matrices({ batch, rows, columns, complex });
      const vector = (length: number) => recorder.vector(length);
      const [s, w] = [matrices(2), matrices(2, 33)];
      operations.congruence(recorder, w, undefined);
      operations.congruence(recorder, s, s);
      operations.inverse(recorder, vector(rows), s);
      operations.throughSector(recorder, s, vector(rows), vector(rows));
      operations.spectralRadius(recorder, s);
      operations.estimatedRadius(recorder, s);
      operations.rowSums(recorder, s);
      operations.diagonal(recorder, s);
      operations.addDiagonal(recorder, s, vector(rows));
      operations.scaleSides(recorder, s, vector(rows), vector(rows));
      operations.scaleByPower(recorder, s, vector(1), 1);
      operations.scaleBatch(recorder, s, vector(2));
      operations.columnMaximum(recorder, operations.absoluteProduct(recorder, s, vector(rows)));
      operations.diagonalSum(recorder, s);
      operations.windowSum(recorder, w, undefined, vector(2));
      operations.add(recorder, s, s);
      operations.alias(recorder, s, 2);
      operations.submatrix(recorder, s, [[0, 4]], [[0, 4]]);
      if (complex) {
        const taps = recorder.matrices({ batch: 1, rows: 9, columns: 4, complex: false });
        operations.symbol(recorder, taps, matrices(1, 9), 2, 2);
        const large = recorder.matrices({ ...many, complex });
        operations.congruence(recorder, large, large);
      }
      operations.assemble(recorder, s, w, matrices(2));
    }
  }
}
