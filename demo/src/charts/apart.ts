/** Labels on one side of a chart, moved until none lies over another. */

/**
 * By how much each label has to move.
 * @param places of labels along an axis, in any order
 * @param gap that there has to be between any two
 * @returns one number for each place: none where there is room, else as little as the order of places allows
 */
export function apart(places: readonly number[], gap: number): number[] {
  const order = places.map((_, k) => k).sort((a, b) => places[a]! - places[b]!);
  const moved = new Map<number, number>();
  // Groups of labels that touch, each centred on where its labels would be.
  const groups: { members: number[]; centre: number }[] = [];
  for (const k of order) {
    let group = { members: [k], centre: places[k]! };
    for (let before = groups.at(-1); before && overlap(before, group, gap); before = groups.at(-1)) {
      groups.pop();
      const members = [...before.members, ...group.members];
      group = { members, centre: members.reduce((sum, m) => sum + places[m]!, 0) / members.length };
    }
    groups.push(group);
  }
  for (const { members, centre } of groups)
    members.forEach((k, at) => {
      moved.set(k, centre + (at - (members.length - 1) / 2) * gap);
    });
  return places.map((place, k) => moved.get(k)! - place);
}

function overlap(
  a: { readonly members: readonly number[]; readonly centre: number },
  b: { readonly members: readonly number[]; readonly centre: number },
  gap: number,
): boolean {
  return b.centre - a.centre < ((a.members.length + b.members.length) / 2) * gap;
}
