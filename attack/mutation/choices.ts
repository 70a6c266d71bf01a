/** The values that programs stumble over. */

/** Sides, pads, strides, counts: what is plausible first, as most trials should get past the first check. */
export const PLAUSIBLE_INTEGERS: readonly number[] = [0, 1, 1, 2, 2, 3, 4, 5, 7, -1, -2, -3, 8];
export const EXTREME_INTEGERS: readonly bigint[] = [
  ...[10n, 13n, 64n, 97n, 255n, 997n, 4096n, 65_535n, 10n ** 6n, 10n ** 7n, 10n ** 8n, 10n ** 9n],
  ...[2n ** 31n - 2n, 2n ** 31n - 1n, 2n ** 31n, 2n ** 32n, 2n ** 53n, 2n ** 62n, 2n ** 63n - 1n],
  ...[-(10n ** 6n), -(2n ** 31n), -(2n ** 62n), -(2n ** 63n)],
];

export const FLOATS: readonly number[] = [
  ...[0, -0, 1, -1, 0.5, 2, -3, 0.1, 1e-3, 100],
  ...[1e-10, 1e10, 1e-30, 1e30, 2 ** -126, 2 ** -149, 2 ** 127, 3.4028234663852886e38],
  ...[Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN],
];

const LONG = 100_000;

/** Names that terminals, JSON, file systems and objects take for something else. */
export const HOSTILE_NAMES: readonly string[] = [
  '',
  ' ',
  '\u001b[2J\u001b[1;1Haccepted',
  '\u001b]0;title\u0007',
  'a\rb',
  'a\nb\n\n  error: none',
  'a\tb',
  '\u009b2J',
  '\u007f',
  '\u0000',
  '\u202egnp.exe\u202c',
  '\u2066x\u2069',
  '\u2028',
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  '..',
  '../outside.bin',
  '/etc/passwd',
  'x'.repeat(LONG),
  '\u{1f600}',
  '\ud800',
  '%s%n',
  '"},{"',
];
