/** The module of a thread that works on samples (`workers.ts` starts it). */
import { serve } from '../../engine/cpu/thread.ts';
import type { Answer, Request } from './messages.ts';
import { servant } from './servant.ts';

const answers = servant();

await serve<Request, Answer>(async (request, answer) => answer(await answers(request)));
