/** The graph of a network, a row for each layer: in which lane each tensor runs from where it is made to where it is last read. */

export interface GraphRow {
  /** Of the layer's mark. */
  readonly lane: number;
  /** Lanes that the layer reads from, at the top of the row. */
  readonly from: readonly number[];
  /** Lanes that run through the row. */
  readonly through: readonly number[];
  /** Whether somebody reads the layer below. */
  readonly goesOn: boolean;
}

/**
 * @param inputs of each layer, in an order in which they can be computed: places of layers before it, -1 for the network's input
 * @returns a row for the network's input, then one for each layer
 */
export function graphRows(inputs: readonly (readonly number[])[]): GraphRow[] {
  const lastUse = new Map<number, number>();
  inputs.forEach((list, k) => {
    for (const id of list) lastUse.set(id, k);
  });
  const readBelow = (id: number, k: number) => (lastUse.get(id) ?? -1) > k;
  /** What runs in each lane, below the rows so far. */
  const lanes: (number | undefined)[] = [-1];
  const rows: GraphRow[] = [{ lane: 0, from: [], through: [], goesOn: readBelow(-1, -1) }];
  inputs.forEach((list, k) => {
    const from = [...new Set(list.map((id) => lanes.indexOf(id)).filter((lane) => lane >= 0))];
    lanes.forEach((id, lane) => {
      if (id !== undefined && !readBelow(id, k)) lanes[lane] = undefined;
    });
    const through = lanes.flatMap((id, lane) => (id === undefined ? [] : [lane]));
    // Where it reads from if that ends here, else beside all that goes on.
    const ended = from.filter((lane) => lanes[lane] === undefined);
    const free = lanes.indexOf(undefined);
    const lane = ended.length > 0 ? Math.min(...ended) : free >= 0 ? free : lanes.length;
    const goesOn = readBelow(k, k);
    lanes[lane] = goesOn ? k : undefined;
    rows.push({ lane, from, through, goesOn });
  });
  return rows;
}
