/** What files are read as, as a script for hosts without Vitest. */
import { loadNetwork } from '../../src/formats/load.browser.ts';
import { evaluate } from '../../src/network/evaluation/evaluate.ts';
import type { Network } from '../../src/network/network.ts';
import { product } from '../../src/network/size.ts';

/** Values of a network, and the hash of its files. */
export function seen(network: Network): { values: number[]; sha256: string | undefined } {
  const x = Float64Array.from(
    { length: product(network.tensors[network.input]!.shape) },
    (_, k) => (k % 5) / 4 - 0.5,
  );
  return { values: [...evaluate(network, x)], sha256: network.source?.sha256 };
}

/** A file by its URL, as bytes, as a blob, and as a file with its name. */
export async function report(folder: string, name: string, beside: readonly string[]): Promise<unknown[]> {
  const fetched = async (file: string) => new Uint8Array(await (await fetch(folder + file)).arrayBuffer());
  const bytes = await fetched(name);
  const external = new Map<string, Uint8Array>();
  for (const other of beside) external.set(other, await fetched(other));
  const given = [new URL(folder + name), bytes, bytes.buffer, new Blob([bytes]), new File([bytes], name)];
  const reports: unknown[] = [];
  for (const model of given) reports.push(seen(await loadNetwork(model, { external })));
  return reports;
}
