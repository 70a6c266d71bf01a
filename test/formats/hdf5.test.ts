/** HDF5 files that h5py wrote: numbers of unusual layout, and groups in many places. */
import { describe, expect, it } from 'vitest';
import { Budget } from '../../src/formats/budget.ts';
import { withHdf5 } from '../../src/formats/hdf5/hdf5.ts';
import { openWeights } from '../../src/formats/weights/open.ts';
import { file } from './files/networks.ts';

// With object headers of both versions.
describe.each(['layouts.h5', 'layouts2.h5'])('numbers in %s', (name) => {
  const read = (key: string) =>
    withHdf5(file(name), name, new Budget(1e5), async (content) => [
      ...(await content.arrays('').get(key)!.numbers()),
    ]);

  it.each(['<f4', '>f4', '<f8', '>f8', '<i4', '>i2'])('are read where they are %s', async (type) => {
    const values = type.includes('f') ? [1.5, -2.25, 3, 4, 5, -6] : [1, -2, 3, 4, 5, -6];
    expect(await read(`usual ${type}`)).toEqual(values);
  });

  it.each(['bias', 'fields', 'precision', 'offset', 'named'])('are refused with another %s', async (what) => {
    await expect(read(`other ${what}`)).rejects.toThrow(/numbers of another layout/);
  });
});

it('groups that lie in several places are refused at once', async () => {
  const before = process.cpuUsage();
  await expect(openWeights(file('diamonds.h5'), 'a.h5')).rejects.toThrow(/groups must lie in one place/);
  expect(process.cpuUsage(before).user / 1e6).toBeLessThan(2);
});
