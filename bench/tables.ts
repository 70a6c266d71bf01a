/** Results as Markdown. */
import type { BoundMeasurement } from './bounds.ts';
import type { Goal } from './goals.ts';
import type { OperationResult } from './operations.ts';

/** @param texts number of columns, from the left, that hold text */
function heading(texts: number, ...columns: string[]): string {
  return `\n${row(...columns)}\n${row(...columns.map((_, k) => (k < texts ? '---' : '---:')))}`;
}

export function row(...cells: string[]): string {
  return `| ${cells.join(' | ')} |`;
}

/** Three significant digits. */
export function short(x: number): string {
  return x >= 100 ? x.toFixed(0) : x.toPrecision(3);
}

export const operationHeading = heading(
  2,
  ...['operation', 'engine', 'median', 'smallest to largest', 'unit'],
  ...['device alone, GFLOP/s', 'GB/s', 'share of peak'],
);

/** @param peak operations per second of the engine's device, where known */
export function operationRow(result: OperationResult, peak: number | undefined): string {
  const [median, smallest, largest] = [result.median, result.smallest, result.largest].map(short);
  const speed = result.deviceFlopsPerSecond ?? result.flopsPerSecond;
  return row(
    ...[result.task, result.engine, median!, `${smallest} to ${largest}`, result.unit],
    result.deviceFlopsPerSecond === null ? '' : short(result.deviceFlopsPerSecond / 1e9),
    short(result.bytesPerSecond / 1e9),
    // Where the work depends on the numbers, its operations are a guess.
    peak === undefined || result.unit === 'ms' ? '' : `${short((100 * speed) / peak)} %`,
  );
}

export const boundHeading = heading(
  2,
  ...['network', 'engine', 'log10', 'seconds', 'CPU seconds', 'GFLOP/s', 'matrices, MB', 'process, MB'],
);

export function boundRow(result: BoundMeasurement): string {
  const { task, engine, log10, spread, flops, peakBytes, residentBytes } = result;
  const { median, smallest, largest, repeats, warmedUp } = spread;
  const range = warmedUp
    ? ` (${short(smallest.seconds)} to ${short(largest.seconds)}, ${repeats} runs)`
    : ' (one run)';
  return row(
    task,
    engine,
    log10 === null ? '' : log10.toFixed(6),
    short(median.seconds) + range,
    median.cpuSeconds === null ? '' : short(median.cpuSeconds),
    short(flops / median.seconds / 1e9),
    (peakBytes / 1e6).toFixed(0),
    residentBytes === null ? '' : (residentBytes / 1e6).toFixed(0),
  );
}

/** Seconds of every network, engines side by side. */
export function sideBySide(results: readonly BoundMeasurement[], engines: readonly string[]): string {
  const tasks = [...new Set(results.map(({ task }) => task))];
  const lines = tasks.map((task) => {
    const cells = engines.map((engine) => {
      const found = results.find((r) => r.task === task && r.engine === engine);
      return found ? short(found.spread.median.seconds) : '';
    });
    return row(task, ...cells);
  });
  return [heading(1, 'network, seconds', ...engines), ...lines].join('\n');
}

export function goalTable(goals: readonly Goal[]): string {
  const lines = goals.map(({ goal, measured, wanted, reached }) =>
    row(
      goal,
      String(wanted),
      measured === null ? 'not measured here' : short(measured),
      reached === null ? '' : reached ? 'yes' : 'no',
    ),
  );
  return [heading(1, 'goal', 'wanted', 'measured', 'reached'), ...lines].join('\n');
}
