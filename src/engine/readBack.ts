/** Reading handles back by name. */
import type { Engine } from './engine.ts';
import type { Handle } from './handles.ts';

type Handles = Readonly<Record<string, Handle | undefined>>;

/** The entries of every handle, in its place. */
export type Entries<H extends object> = {
  readonly [N in keyof H]: undefined extends H[N] ? Float64Array | undefined : Float64Array;
};

/** Copies the values of named handles out; those that are not there stay so. */
export async function readNamed<H extends Handles>(engine: Engine, handles: H): Promise<Entries<H>> {
  const [entries] = await readAllNamed(engine, [handles]);
  return entries!;
}

/** The same of several sets of handles at once. */
export async function readAllNamed<const S extends readonly object[]>(
  engine: Engine,
  sets: S,
): Promise<{ readonly [K in keyof S]: Entries<S[K]> }> {
  const handles = sets.flatMap((set) =>
    Object.values(set as Handles).filter((handle) => handle !== undefined),
  );
  const values = (handles.length > 0 ? await engine.read(...handles) : []).values();
  return sets.map((set) => {
    const entries = Object.entries(set as Handles).map(([name, handle]) => [
      name,
      handle && values.next().value,
    ]);
    return Object.fromEntries(entries);
  }) as { readonly [K in keyof S]: Entries<S[K]> };
}
