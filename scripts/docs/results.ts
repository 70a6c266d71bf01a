/** A bench.json, as `npm run bench` writes it, as a page: what was measured, where and when. */
import type { BoundMeasurement } from '../../bench/bounds.ts';
import type { Goal } from '../../bench/goals.ts';
import type { OperationResult } from '../../bench/operations.ts';
import {
  boundHeading,
  boundRow,
  goalTable,
  operationHeading,
  operationRow,
  sideBySide,
} from '../../bench/tables.ts';

/** What a page shows of a report. */
interface Report {
  /** Added by hand: what has to be known of the circumstances. */
  readonly note?: string;
  readonly date: string;
  readonly processor: string;
  readonly cores: number;
  readonly node: string;
  readonly packages: Readonly<Record<string, string>>;
  readonly engines: readonly {
    readonly name: string;
    readonly description: string;
    readonly peak?: { readonly flops: number } | null;
  }[];
  readonly peers: readonly { readonly name: string; readonly description: string }[];
  readonly operations: readonly OperationResult[];
  readonly bounds: readonly BoundMeasurement[];
  readonly goals: readonly Goal[];
}

/** @param name of the file, which is named after the machine */
export function resultPage(name: string, text: string): string {
  const report = JSON.parse(text) as Report;
  const { note, date, processor, cores, node, packages, engines, peers, operations, bounds, goals } = report;
  const versions = Object.entries({ node, ...packages }).map(([what, version]) => `${what} ${version}`);
  // The best product is what tells the peak of a processor.
  const best = (engine: string) => {
    const products = operations.filter((r) => r.engine === engine && r.task.startsWith('product'));
    return products.length === 0 ? undefined : Math.max(...products.map((r) => r.flopsPerSecond));
  };
  const peak = (engine: string) =>
    engines.find((e) => e.name === engine)?.peak?.flops ??
    (engine.startsWith('cpu-') ? best(engine) : undefined);
  const sections = [
    `# ${processor}, ${cores} cores`,
    `${date.slice(0, 10)}; ${versions.join(', ')}. Made from \`bench/results/${name}\`; what columns mean is in`,
    '`bench/README.md`. Times of other runs are times of other machines: compare rows of one table.\n',
    ...(note === undefined ? [] : [`${note}\n`]),
    ...[...engines, ...peers].map(({ name: engine, description }) => `- ${engine}: ${description}`),
  ];
  if (operations.length > 0) {
    sections.push('\n## Operations', operationHeading);
    sections.push(...operations.map((result) => operationRow(result, peak(result.engine))));
  }
  if (bounds.length > 0) {
    sections.push('\n## Bounds', boundHeading, ...bounds.map(boundRow));
    sections.push(
      sideBySide(
        bounds,
        engines.map((engine) => engine.name),
      ),
    );
  }
  if (goals.some(({ measured }) => measured !== null)) sections.push('\n## Goals', goalTable(goals));
  return `${sections.join('\n')}\n`;
}
