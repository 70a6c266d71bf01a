/** Keras's files: HDF5 and the archive of Keras 3. */
import { describe, expect, it } from 'vitest';
import { loadNetwork } from '../../../src/formats/load.browser.ts';
import { cnn, file, mlp } from '../files/networks.ts';
import { expectSame } from '../same.ts';

const named = (name: string) => new File([file(name) as BlobPart], name);

/** Where each entry of an image of 6×6 with two channels last lies when they are first. */
const CHANNELS_LAST = Array.from({ length: 72 }, (_, k) => {
  const [channel, pixel] = [Math.floor(k / 36), k % 36];
  return 2 * pixel + channel;
});

describe('one network', () => {
  it('of fully connected layers', async () => {
    await expectSame(await loadNetwork(named('mlp.h5')), mlp());
  });

  it.each(['cnn.h5', 'cnn.keras'])('with images that have their channels last: %s', async (name) => {
    const network = await loadNetwork(named(name));
    expect(network.tensors[network.input]!.shape).toEqual([6, 6, 2]);
    await expectSame(network, cnn(), CHANNELS_LAST);
  });
});
