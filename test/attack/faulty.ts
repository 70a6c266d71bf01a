/** The children of the hunts with one fault in the library: which one says LIPSOID_PLANTED, of which hunt LIPSOID_CHILD. */
import { readFile } from 'node:fs/promises';
import '../../attack/limited/watchedFiles.ts';
import { plant } from '../../attack/limited/commandLine.ts';
import {
  type BoundResult,
  bound,
  type ExactVerification,
  inspect,
  loadNetwork,
  type Verification,
  verify,
} from '../../src/index.ts';

type Library = Parameters<typeof plant>[0];

/** ‖f‖ a tenth of what it is. */
function tenth(result: BoundResult): BoundResult {
  return {
    ...result,
    bound: result.bound === null ? null : result.bound / 10,
    log10: result.log10 === null ? null : result.log10 - 1,
  };
}

function spin(milliseconds: number): void {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
}

const held: Uint8Array[] = [];

const FAULTS: Readonly<Record<string, Library>> = {
  'bound too small': { bound: async (network, options) => tenth(await bound(network, options)) },
  'endless loop': {
    loadNetwork: async (path, options) => {
      const network = await loadNetwork(path, options);
      if (network.nodes.length > 1) spin(1e6);
      return network;
    },
  },
  'much memory': {
    bound: async (network, options) => {
      for (let k = 0; k < 100; k++) {
        held.push(new Uint8Array(5e7).fill(k));
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      return bound(network, options);
    },
  },
  'internal error': {
    loadNetwork: async (path, options) => {
      const network = await loadNetwork(path, options);
      if (network.nodes.length === 2) throw new TypeError('undefined is not a function');
      return network;
    },
  },
  'file outside': {
    loadNetwork: async (path, options) => {
      await readFile('/etc/hostname');
      return loadNetwork(path, options);
    },
  },
  'changed prototype': {
    loadNetwork: async (path, options) => {
      const network = await loadNetwork(path, options);
      Object.assign(Object.prototype, { polluted: network.name });
      return network;
    },
  },
  'certificates unread': {
    verify: async (_, certificate) => {
      const { claim } = certificate as { claim: Verification['claimed'] };
      const norms = { input: '2', output: '2' } as const;
      return { accepted: true, bound: 1, log10: 0, claimed: claim, norms };
    },
  },
  'constants unread': {
    verifyExact: async (_, certificate) => {
      const { claim } = certificate as { claim: ExactVerification['claimed'] };
      return { accepted: true, claimed: claim, parts: 1 };
    },
  },
  'margins unread': {
    verify: async (network, certificate, options) => {
      const { margins, ...rest } = certificate as { margins?: { bounds: number[] } };
      const verification = await verify(network, rest as typeof certificate, options);
      if (!verification.accepted || !margins) return verification;
      const outputs = (1 + Math.sqrt(1 + 8 * margins.bounds.length)) / 2;
      const at = (i: number, j: number) => margins.bounds[(i * (i - 1)) / 2 + j]!;
      const square = Array.from({ length: outputs }, (_, i) =>
        Array.from({ length: outputs }, (_, j) => (i === j ? 0 : at(Math.max(i, j), Math.min(i, j)))),
      );
      return { ...verification, margins: square };
    },
  },
  'constant hash': {
    loadNetwork: async (path, options) => {
      const network = await loadNetwork(path, options);
      return { ...network, source: { ...network.source!, sha256: 'a'.repeat(64) } };
    },
  },
  'endless certificate': {
    verify: async (network, certificate, options) => {
      if (JSON.stringify(certificate).length > 1e6) spin(1e6);
      return verify(network, certificate, options);
    },
  },
  'exponential walk': {
    inspect: (network) => {
      spin(2 ** network.nodes.length);
      return inspect(network);
    },
  },
};

if (process.env.LIPSOID_PLANTED) plant(FAULTS[process.env.LIPSOID_PLANTED]!);
await import(`../../attack/${process.env.LIPSOID_CHILD}/child.ts`);
