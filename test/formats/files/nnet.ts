/** Files of ACAS Xu's format for tests, as its `writeNNet` lays them out. */

interface Layer {
  readonly weight: Float32Array;
  readonly bias: Float32Array;
}

/** @param means and ranges of the inputs, and one of the outputs */
export function nnetFile(
  layers: readonly Layer[],
  means: readonly number[],
  ranges: readonly number[],
): string {
  const sizes = [layers[0]!.weight.length / layers[0]!.bias.length, ...layers.map(({ bias }) => bias.length)];
  const line = (values: Iterable<number>) => `${[...values].join(',')},`;
  const text = ['// Neural network file, for tests', '// in the format of ACAS Xu'];
  text.push(line([layers.length, sizes[0]!, sizes.at(-1)!, Math.max(...sizes)]), line(sizes), '0,');
  text.push(line(means.slice(0, -1).map(() => -1)), line(means.slice(0, -1).map(() => 1)));
  text.push(line(means), line(ranges));
  for (const { weight, bias } of layers) {
    const columns = weight.length / bias.length;
    for (let row = 0; row < bias.length; row++)
      text.push(line(weight.subarray(row * columns, (row + 1) * columns)));
    text.push(...Array.from(bias, (value) => line([value])));
  }
  return `${text.join('\n')}\n`;
}
