/** Threads that are none: what is sent is cloned, and answered here. */
import type { Answer, Request } from '../../../src/certify/groups/messages.ts';
import { type Servant, servant } from '../../../src/certify/groups/servant.ts';
import type { StartThread } from '../../../src/certify/groups/workers.ts';

/** What has happened to one. */
export interface Seen {
  readonly requests: Request[];
  held: boolean;
  ended: boolean;
}

/**
 * @param seen one more for every thread that is started
 * @param change of what the thread k does; throwing ends the thread
 */
export function threadsHere(
  seen: Seen[] = [],
  change: (k: number, own: Servant) => Servant = (_, own) => own,
): StartThread {
  return (listener) => {
    const all: Seen = { requests: [], held: false, ended: false };
    const answers = change(seen.push(all) - 1, servant());
    let last = Promise.resolve();
    return {
      post: (message) => {
        const request = structuredClone(message);
        all.requests.push(request);
        last = last.then(async () => {
          try {
            const answer: Answer = structuredClone(await answers(request));
            if (!all.ended) listener.answer(answer);
          } catch (error) {
            listener.fail(error as Error);
          }
        });
      },
      hold: (held) => {
        all.held = held;
      },
      end: async () => {
        all.ended = true;
      },
    };
  };
}
