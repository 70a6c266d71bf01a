import { describe, expect, it } from 'vitest';
import { InputError, UnsupportedError } from '../../../src/errors.ts';
import { outline } from '../../../src/formats/load.browser.ts';
import { model, node, read } from './build.ts';

describe('outline', () => {
  const bytes = model([
    node('Relu', 'x', 'a'),
    node('Constant', '', 'c', { value_float: 2 }),
    node('Attention', 'a', 'b'),
    node('Mul', 'b c', 'y'),
  ]);

  it('lists supported and unsupported nodes alike, in the order of the file', async () => {
    expect(await outline(bytes)).toEqual([
      { name: 'make a', operator: 'Relu' },
      { name: 'make b', operator: 'Attention' },
      { name: 'make y', operator: 'Mul' },
    ]);
  });

  it('calls nodes what refusals call them', async () => {
    const refusal = await read(bytes).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(UnsupportedError);
    const names = (await outline(bytes)).map(({ name }) => name);
    for (const { node } of (refusal as UnsupportedError).items) expect(names).toContain(node);
  });

  it('refuses what is no model', async () => {
    await expect(outline(Uint8Array.of(1, 2, 3))).rejects.toThrow(InputError);
  });
});
