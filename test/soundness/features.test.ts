/** The random networks hold what they are meant to hold: a feature that never occurs is a feature that is not tested. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ELEMENTWISE } from '../../src/network/elementwise/table.ts';
import { FAMILIES } from '../support/families.ts';
import { features } from '../support/features.ts';
import { sampledLowerBound } from '../support/forward.ts';
import { networkOf } from '../support/randomNetwork.ts';

const SAMPLES = 300;

/** Least share of a family's networks that must have a feature, in per cent. */
const WANTED: Record<keyof typeof FAMILIES, Record<string, number>> = {
  'multilayer perceptrons': { affine: 60, relu: 10, 'negative scale': 10, gelu: 1, prelu: 1, clip: 1 },
  'residual perceptrons': { add: 30, concat: 30, relu: 20, swish: 1 },
  'one-dimensional convolutions': {
    '1-d': 95,
    stride: 25,
    dilation: 12,
    depthwise: 15,
    groups: 2,
    'zero padding': 40,
    'asymmetric padding': 25,
    'padding as wide as the kernel': 8,
    'padded convolution after a linear operator': 12,
    'all-positive weights': 8,
    'affine on an image': 3,
    'average-pool': 3,
    'max-pool': 3,
    pad: 2,
    softmax: 3,
    transpose: 1,
  },
  'two-dimensional convolutions': {
    '2-d': 95,
    stride: 25,
    groups: 2,
    'affine on an image': 4,
    'zero padding': 40,
  },
  'three-dimensional convolutions': { '3-d': 90, stride: 25, 'zero padding': 40, 'affine on an image': 3 },
  pooling: {
    'max-pool': 12,
    'average-pool': 15,
    'overlapping max-pool': 6,
    'padded max-pool': 6,
    'dilated max-pool': 1,
    'global-max-pool': 5,
    'global-average-pool': 10,
    'average-pool that counts padding': 4,
    'average-pool without padding in its divisor': 3,
  },
  'transposed convolutions': {
    'transposed-convolution': 20,
    'strided transposed convolution': 12,
    'cropped transposed convolution': 12,
  },
  'linear chains of padded convolutions': { 'padded convolution after a linear operator': 30, pad: 20 },
  'one-dimensional branches': {
    'strided residual block': 20,
    'max-pool branch': 8,
    'padded convolution of a concatenation': 6,
    'padded convolution of a sum': 5,
    add: 40,
    concat: 35,
  },
  'two-dimensional branches': { 'strided residual block': 20, 'max-pool branch': 8, add: 40, concat: 35 },
  'reflected signals': { 'reflect padding': 20, add: 10 },
  'replicated signals': { 'replicate padding': 20 },
  'circular convolutions': { 'circular padding': 30, 'strided residual block': 8, reindex: 15 },
};

describe.each(Object.entries(FAMILIES))('%s', (name, plans) => {
  const networks = fc.sample(plans, { numRuns: SAMPLES }).map(networkOf);

  it('hold what they are meant to', () => {
    const found = new Map<string, number>();
    for (const network of networks) {
      for (const feature of features(network)) found.set(feature, (found.get(feature) ?? 0) + 1);
    }
    const missing = Object.entries(WANTED[name as keyof typeof FAMILIES]).filter(
      ([feature, percent]) => !((found.get(feature) ?? 0) >= (percent / 100) * SAMPLES),
    );
    expect(missing).toEqual([]);
  });

  it('are seldom constant', () => {
    const constant = networks.slice(0, 100).filter((network) => !(sampledLowerBound(network, 5, 1) > 0));
    expect(constant.length).toBeLessThan(30);
  });
});

it('every elementwise function occurs', () => {
  const all = new Set(
    fc
      .sample(fc.oneof(...Object.values(FAMILIES)), { numRuns: 2000 })
      .flatMap((plan) => [...features(networkOf(plan))]),
  );
  // Masks are put in by rewriting.
  for (const name of Object.keys(ELEMENTWISE).filter((name) => name !== 'mask')) expect(all).toContain(name);
});
