/** What a page and a worker say to each other: calls by name, news on the way, results or failures. */

/** The calls that a worker answers: parameters and result by name. */
export type Table<C> = {
  readonly [N in keyof C]: { readonly parameters: readonly unknown[]; readonly result: unknown };
};

/** `cancel`: nobody wants the result any more. `interrupt`: what has been found so far is wanted. */
export type Stop = 'cancel' | 'interrupt';

export type ToWorker<C extends Table<C>> =
  | {
      [N in keyof C]: {
        readonly id: number;
        readonly call: N;
        readonly parameters: C[N]['parameters'];
      };
    }[keyof C]
  | { readonly id: number; readonly stop: Stop };

export type FromWorker<C extends Table<C>, News, Failure> = { readonly id: number } & (
  | { readonly news: News }
  | { readonly result: C[keyof C]['result'] }
  | { readonly failure: Failure }
);
