/** `lipsoid solve-sdp`: an exported problem solved by CSDP, and what its answer says of the network. */
import type { SdpSolution, SolveOptions } from '../../sdp/solve.node.ts';
import { EXIT } from '../failure.ts';
import type { Library } from '../library.ts';
import { formatBound, formatSeconds } from '../output/format.ts';
import { printDocument, printLines, type Terminal } from '../output/terminal.ts';

export interface SolveSdpCommand extends Omit<SolveOptions, 'signal'> {
  readonly file: string;
  readonly json: boolean;
}

/** Writes the answer to stdout, returns the exit code. `signal` stops the solver. */
export async function solveSdpCommand(
  { file, json, ...options }: SolveSdpCommand,
  library: Library,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<number> {
  const solution = await library.solveSdp(file, { ...options, signal });
  if (json) printDocument(terminal.stdout, solution);
  else printLines(terminal.stdout, solutionLines(file, solution));
  return solution.bound === null ? EXIT.unsupported : EXIT.success;
}

function solutionLines(file: string, solution: SdpSolution): string[] {
  const { network, formulation, status, exitCode, seconds } = solution;
  const code = exitCode === null ? '' : ` (exit code ${exitCode})`;
  const figures = [
    ['relative gap', solution.relativeGap],
    ['primal infeasibility', solution.primalInfeasibility],
    ['dual infeasibility', solution.dualInfeasibility],
  ] as const;
  return [
    `${file}: ${formulation} of ${network.file ?? network.name}, SHA-256 ${network.sha256 ?? 'unknown'}`,
    `${solution.solver}: ${status}${code} after ${formatSeconds(seconds)} s; ` +
      figures.map(([name, value]) => `${name} ${value ?? 'unknown'}`).join(', '),
    '',
    ...conclusion(solution),
  ];
}

function conclusion({ bound }: SdpSolution): string[] {
  if (bound === null) return ['No bound: the solver found no optimum.'];
  const log10 = bound > 0 ? Math.log10(bound) : null;
  return [
    `‖f(x) − f(y)‖₂ ≤ ${formatBound(bound, log10)} · ‖x − y‖₂ for all inputs x and y, to within the solver's tolerance.`,
    'Nominal: nothing of the solution has been verified, it is no proof.',
  ];
}
