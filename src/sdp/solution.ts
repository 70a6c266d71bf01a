/** What CSDP writes: its report on the terminal, and the solution file. */

/** The solver's own figures; null where it did not print them. */
export interface SolverReport {
  /** The value of CSDP's primal problem: at most the optimum, up to the tolerance. */
  readonly primalObjective: number | null;
  /** The value of CSDP's dual problem, which is the one that was exported: at least the optimum, up to the tolerance. */
  readonly dualObjective: number | null;
  /** How far the two objectives are apart: (dual − primal) / (1 + |primal| + |dual|). */
  readonly relativeGap: number | null;
  readonly primalInfeasibility: number | null;
  readonly dualInfeasibility: number | null;
}

export function readReport(text: string): SolverReport {
  const figure = (label: string) => {
    const match = new RegExp(`^${label}: *([-+0-9.e]+)`, 'im').exec(text);
    const value = match ? Number(match[1]) : Number.NaN;
    return Number.isFinite(value) ? value : null;
  };
  return {
    primalObjective: figure('Primal objective value'),
    dualObjective: figure('Dual objective value'),
    relativeGap: figure('Real Relative Gap'),
    primalInfeasibility: figure('Relative primal infeasibility'),
    dualInfeasibility: figure('Relative dual infeasibility'),
  };
}

/** The objective ρ = x₁ to all digits: the first number of the solution file. Null where there is none. */
export function readOptimum(solution: string): number | null {
  const value = Number.parseFloat(solution);
  return Number.isFinite(value) ? value : null;
}

/** CSDP's exit codes (its user's guide, Borchers 1999). `solved`: the objectives are those of an optimum, if a rough one. */
const CODES: Readonly<Record<number, { readonly solved: boolean; readonly meaning: string }>> = {
  0: { solved: true, meaning: 'solved' },
  1: { solved: false, meaning: 'primal infeasible' },
  2: { solved: false, meaning: 'dual infeasible' },
  3: { solved: true, meaning: 'solved to reduced accuracy' },
  4: { solved: false, meaning: 'most iterations reached' },
  5: { solved: false, meaning: 'stuck at the edge of primal feasibility' },
  6: { solved: false, meaning: 'stuck at the edge of dual feasibility' },
  7: { solved: false, meaning: 'lack of progress' },
  8: { solved: false, meaning: 'a matrix became singular' },
  9: { solved: false, meaning: 'NaN or infinite values' },
};

export function readExitCode(code: number | null): { readonly solved: boolean; readonly status: string } {
  const known = code === null ? undefined : CODES[code];
  return { solved: known?.solved ?? false, status: known?.meaning ?? `exit code ${code ?? 'unknown'}` };
}
