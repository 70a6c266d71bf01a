/** Broken files of every format but ONNX, with fixed seeds: a network or one of the two errors, and nothing from what a check sum tells. */
import { describe, expect, it } from 'vitest';
import { MODELS } from '../../attack/formats/corpus.ts';
import { drawChanges, isSealed, mutated } from '../../attack/formats/mutate.ts';
import { Random } from '../../attack/random.ts';
import { InputError, UnsupportedError } from '../../src/errors.ts';
import { loadNetwork } from '../../src/formats/load.browser.ts';
import { evaluate } from '../../src/network/evaluation/evaluate.ts';
import type { Network } from '../../src/network/network.ts';
import { product } from '../../src/network/size.ts';

const FILES_PER_FORMAT = 40;

function read(main: string, files: ReadonlyMap<string, Uint8Array>): Promise<Network> {
  return loadNetwork(new File([files.get(main) as BlobPart], main), { external: files });
}

const outputs = (network: Network) => [
  ...evaluate(
    network,
    Float64Array.from({ length: product(network.tensors[network.input]!.shape) }, (_, k) => (k % 7) / 3 - 1),
  ),
];

describe.each(MODELS.map((model) => [model.name, model] as const))('%s', (_, model) => {
  it('is read as it is', async () => {
    expect(outputs(await read(model.main, model.files)).length).toBeGreaterThan(2);
  });

  it('broken is read or refused, and nothing else', async () => {
    const whole = outputs(await read(model.main, model.files));
    let [networks, refusals] = [0, 0];
    for (let seed = 0; seed < FILES_PER_FORMAT; seed++) {
      const random = new Random(seed);
      const changes = drawChanges(model, random);
      try {
        const network = await read(model.main, mutated(model, changes));
        if (isSealed(model, changes)) expect(outputs(network)).toEqual(whole);
        networks++;
      } catch (error) {
        if (!(error instanceof InputError || error instanceof UnsupportedError)) throw error;
        refusals++;
      }
    }
    expect(refusals).toBeGreaterThan(5);
    expect(networks + refusals).toBe(FILES_PER_FORMAT);
  });
});
