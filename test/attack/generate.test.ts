/** What the attack tries: every operator that is read, the same for the same seed. */
import { describe, expect, it } from 'vitest';
import { OPERATORS } from '../../attack/evaluate/interpret.ts';
import { encode } from '../../attack/model/encode.ts';
import { drawn } from '../../attack/networks.ts';
import { CONVERTERS } from '../../src/formats/onnx/registry.ts';

describe('generated models', () => {
  it('hold every operator that is read', () => {
    const missing = new Set(CONVERTERS.keys());
    for (let seed = 1; seed <= 4000 && missing.size > 0; seed++) {
      for (const kind of ['networks', 'lengths', 'constants'] as const) {
        for (const { op, domain } of drawn(kind, seed).model.nodes)
          missing.delete(domain ? `${domain}.${op}` : op);
      }
    }
    expect([...missing]).toEqual([]);
    expect([...CONVERTERS.keys()].filter((op) => !OPERATORS.has(op))).toEqual([]);
  });

  it('are the same for the same seed', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const [a, b] = [drawn('networks', seed), drawn('networks', seed)];
      expect(encode(a.model)).toEqual(encode(b.model));
      expect(a.plan).toEqual(b.plan);
    }
  });
});
