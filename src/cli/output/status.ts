/** How searches ended, in words. */
import type { MethodResult, SearchReport } from '../../bounds/result.ts';
import { formatCount } from './format.ts';

/** `converged`, `stopped at 150 evaluations`, `time limit`, `interrupted`. */
export function searchStatus({ status, evaluations }: Pick<SearchReport, 'status' | 'evaluations'>): string {
  switch (status) {
    case 'converged':
    case 'time limit':
    case 'interrupted':
      return status;
    case 'evaluations':
      return `stopped at ${formatCount(evaluations, 'evaluation')}`;
    default:
      return status satisfies never;
  }
}

/** The same for people who see no number of evaluations beside it: `converged after 42 evaluations`. */
export function searchEnding(report: Pick<SearchReport, 'status' | 'evaluations'>): string {
  const status = searchStatus(report);
  return report.status === 'evaluations'
    ? status
    : `${status} after ${formatCount(report.evaluations, 'evaluation')}`;
}

/** Rows as JSON documents have them: the status of a search is what `searchStatus` says. */
export function methodDocuments(methods: readonly MethodResult[]): object[] {
  return methods.map(({ search, ...row }) => ({
    ...row,
    ...(search && { search: { ...search, status: searchStatus(search) } }),
  }));
}
