/** The graph beside the list of layers: lanes of tensors, a mark for every layer. */
import { h } from '../dom.ts';
import { type GraphRow, graphRows } from '../lanes.ts';

/** More lanes than that leave no room for words. */
const MOST_LANES = 10;
/** Pixels between two lanes. */
const LANE = 13;

/** A drawing for the row of the input and of every layer; undefined where there are too many lanes. */
export function graphCells(inputs: readonly (readonly number[])[]): HTMLElement[] | undefined {
  const rows = graphRows(inputs);
  const lanes = 1 + Math.max(...rows.flatMap(({ lane, through }) => [lane, ...through]));
  return lanes > MOST_LANES ? undefined : rows.map((row) => cell(row, lanes * LANE));
}

const middle = (lane: number) => (lane + 0.5) * LANE;

/** As high as its row, which is 100 units high. */
function cell({ lane, from, through, goesOn }: GraphRow, width: number): HTMLElement {
  const x = middle(lane);
  const paths = [
    ...through.map((each) => `M${middle(each)} 0V100`),
    ...from.map((each) => `M${middle(each)} 0C${middle(each)} 30 ${x} 20 ${x} 50`),
    ...(goesOn ? [`M${x} 50V100`] : []),
  ];
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  svg.setAttribute('viewBox', `0 0 ${width} 100`);
  svg.setAttribute('preserveAspectRatio', 'none');
  const path = document.createElementNS('http://www.w3.org/2000/svg', 'path');
  path.setAttribute('d', paths.join(''));
  svg.append(path);
  return h(
    'td',
    { class: 'graph', 'aria-hidden': 'true', style: `width: ${width}px; min-width: ${width}px` },
    svg,
    h('span', { class: 'mark', style: `left: ${x}px` }),
  );
}
