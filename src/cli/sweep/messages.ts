/** What a process that works on networks is told, and what it says. */
import type { StoredMultipliers } from '../../bounds/result.ts';
import type { SentError } from '../../certify/groups/messages.ts';
import type { BoundQuestion } from '../commands/boundQuestion.ts';
import type { Computed, Task } from './compute.ts';

export type ToProcess =
  /** First: what is asked of all networks. */
  | { readonly kind: 'begin'; readonly question: BoundQuestion }
  | { readonly kind: 'compute'; readonly task: Task };

/** One for each message, after as much news as it likes. */
export type FromProcess =
  | { readonly kind: 'ready' }
  | { readonly kind: 'computed'; readonly computed: Computed }
  | { readonly kind: 'share'; readonly share: number }
  | { readonly kind: 'searched'; readonly searched: readonly StoredMultipliers[] }
  | { readonly kind: 'failed'; readonly error: SentError };
