/** What proves the claims of branch and bound: it accepts what is true and refuses what is a little beyond. */
import { describe, expect, it } from 'vitest';
import { Prover } from '../../src/exact/above/proven.ts';
import { provenSlope } from '../../src/exact/below/provenSlope.ts';
import { Slopes } from '../../src/exact/below/slopes.ts';
import { domainOf, everywhere } from '../../src/exact/domain.ts';
import { Cone } from '../../src/exact/empty/cone.ts';
import { MinimumNorm } from '../../src/exact/empty/minimumNorm.ts';
import { refutes } from '../../src/exact/empty/refutation.ts';
import { Refuter } from '../../src/exact/empty/refuter.ts';
import { formOf } from '../../src/exact/form/translate.ts';
import { unknownRanges } from '../../src/exact/ranges.ts';
import { openState, type State } from '../../src/exact/state.ts';
import { NetworkBuilder } from '../../src/network/builder.ts';
import { Random } from '../support/random.ts';

function randomForm(seed: number, sizes = [4, 6, 6, 2]) {
  const random = new Random(seed);
  return formOf(
    NetworkBuilder.fromDense(
      sizes.slice(1).map((rows, k) => ({
        weight: Array.from({ length: rows }, () => [...random.normals(sizes[k]!)]),
        bias: random.normals(rows, 0.5),
        ...(k + 2 < sizes.length && { activation: 'relu' as const }),
      })),
    ),
  );
}

type TestForm = ReturnType<typeof randomForm>;

/** Every unit on one piece, at random. */
function randomLeaf({ units }: TestForm, random: Random): State {
  const pieces = Uint8Array.from(units, () => random.integer(0, 1));
  return { first: pieces, last: pieces };
}

/** Proofs that random leaves have no inputs, for the form and where inputs are. */
function* refutations(form: TestForm, domain: ReturnType<typeof everywhere>, seed: number) {
  const random = new Random(seed);
  const [cone, solver, refuter] = [new Cone(form, domain), new MinimumNorm(), new Refuter(form, domain)];
  const ranges = unknownRanges(form);
  for (let k = 0; k < 60; k++) {
    const state = randomLeaf(form, random);
    cone.build(state, ranges, 2);
    if (solver.solve(cone, undefined, true) !== 'empty') continue;
    const proof = refuter.refute(state, ranges, cone, solver.support, solver.weights, solver.count);
    if (proof) yield { state, ranges, proof };
  }
}

describe('proofs that a node has no inputs', () => {
  it('are not there for nodes of points', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const form = randomForm(seed);
      const slopes = new Slopes(form);
      const random = new Random(seed);
      const all = everywhere(form.inputs);
      const refuter = new Refuter(form, all);
      const [cone, ranges] = [new Cone(form, all), unknownRanges(form)];
      for (let k = 0; k < 20; k++) {
        const pieces = new Uint8Array(form.units.length);
        slopes.piecesAt(random.normals(form.inputs, 3), pieces);
        const state = { first: pieces, last: pieces };
        cone.build(state, ranges, 2);
        // Any rows with any weights.
        const rows = Int32Array.from({ length: 6 }, () => random.integer(0, cone.rows - 1));
        const weights = Float64Array.from(rows, () => random.uniform());
        expect(refuter.refute(state, ranges, cone, rows, weights, 6)).toBeUndefined();
      }
    }
  });

  it('hold, and not without the multipliers that make their residual vanish, nor with others', () => {
    let seen = 0;
    for (let seed = 1; seed <= 6; seed++) {
      const form = randomForm(seed);
      const all = everywhere(form.inputs);
      for (const { state, ranges, proof } of refutations(form, all, seed)) {
        expect(refutes(form, all, state, ranges, proof)).toBe(true);
        if (proof.movable.length === 0) continue;
        seen++;
        // The residual ignored: rounding alone keeps it from 0, for inputs without end.
        expect(refutes(form, all, state, ranges, { ...proof, movable: [] })).toBe(false);
        const opposite = { ...proof, multipliers: proof.multipliers.map((m) => -m) };
        expect(refutes(form, all, state, ranges, opposite)).toBe(false);
        const [unit] = proof.movable;
        const changed = proof.multipliers.slice();
        changed[unit!]! *= 1.01;
        expect(refutes(form, all, state, ranges, { ...proof, multipliers: changed, movable: [] })).toBe(
          false,
        );
      }
    }
    expect(seen).toBeGreaterThan(10);
  });

  it('hold in boxes and balls, and not beyond their sides', () => {
    let seen = 0;
    for (let seed = 1; seed <= 6; seed++) {
      const form = randomForm(seed);
      const side = (at: number) => new Float64Array(form.inputs).fill(at);
      const box = domainOf(form.inputs, { low: side(-0.5), high: side(0.5) }, undefined);
      const ball = domainOf(form.inputs, undefined, { centre: side(0.1), radius: 0.7 });
      const slopes = new Slopes(form);
      const random = new Random(seed);
      for (const domain of [box, ball]) {
        for (const { state, ranges, proof } of refutations(form, domain, seed)) {
          expect(refutes(form, domain, state, ranges, proof)).toBe(true);
          const pieces = new Uint8Array(form.units.length);
          for (let k = 0; k < 200; k++) {
            slopes.piecesAt(random.normals(form.inputs, 5), pieces);
            if (!pieces.every((piece, u) => piece === state.first[u])) continue;
            // There are inputs, but farther away.
            seen++;
            expect(refutes(form, everywhere(form.inputs), state, ranges, { ...proof, movable: [] })).toBe(
              false,
            );
          }
        }
      }
    }
    expect(seen).toBeGreaterThan(0);
  });
});

describe('proofs of bounds', () => {
  it('hold just above the norm of a leaf, and not below it', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const form = randomForm(seed);
      const slopes = new Slopes(form);
      const state = randomLeaf(form, new Random(seed));
      const norm = slopes.norm(state.first);
      const prover = new Prover(form);
      const scales = new Float64Array(form.units.length);
      if (norm === 0) {
        expect(prover.holds(state, scales, 0)).toBe(true);
        continue;
      }
      expect(prover.holds(state, scales, norm * (1 + 1e-9))).toBe(true);
      expect(prover.holds(state, scales, norm * (1 - 1e-12))).toBe(false);
      expect(prover.holds(state, scales, 0)).toBe(false);
    }
  });

  it('are never below a slope that is attained, whatever the multipliers', () => {
    const random = new Random(3);
    for (let seed = 1; seed <= 10; seed++) {
      const form = randomForm(seed);
      const slopes = new Slopes(form);
      const prover = new Prover(form);
      const pieces = new Uint8Array(form.units.length);
      slopes.piecesAt(random.normals(form.inputs), pieces);
      const slope = slopes.norm(pieces);
      for (let k = 0; k < 20; k++) {
        const scales = random.normals(form.units.length).map((t) => Math.exp(2 * t));
        expect(prover.holds(openState(form), scales, slope * (1 - 1e-9))).toBe(false);
      }
    }
  });
});

describe('slopes', () => {
  it('are just below what is computed away from breaks, and no more than the flattest piece at one', () => {
    const random = new Random(5);
    for (let seed = 1; seed <= 10; seed++) {
      const form = randomForm(seed);
      const slopes = new Slopes(form);
      const pieces = new Uint8Array(form.units.length);
      const x = random.normals(form.inputs);
      const v = new Float64Array(form.inputs);
      slopes.piecesAt(x, pieces);
      const computed = slopes.norm(pieces, v);
      if (computed === 0) continue;
      const slope = provenSlope(form, x, v);
      expect(slope).toBeLessThanOrEqual(computed * (1 + 1e-15));
      expect(slope).toBeGreaterThan(computed * (1 - 1e-11));
    }
    const kink = formOf(
      NetworkBuilder.fromDense([{ weight: [[1]], activation: 'relu' }, { weight: [[1]] }], 1),
    );
    expect(provenSlope(kink, Float64Array.of(0), Float64Array.of(1))).toBe(0);
    expect(provenSlope(kink, Float64Array.of(1), Float64Array.of(1))).toBeGreaterThan(0.999);
  });
});
