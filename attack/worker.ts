/** A process that makes trials one after the other, as its parent asks. */
import type { Hunt } from './hunt.ts';
import { HUNTS } from './hunts.ts';
import type { Answer, Question } from './messages.ts';

const open = new Map<string, Promise<Hunt>>();

async function huntOf(name: string): Promise<Hunt> {
  const row = HUNTS.find((other) => other.name === name)!;
  if (!open.has(name)) open.set(name, row.open());
  return open.get(name)!;
}

async function answer({ hunt, seed }: Question & { kind: 'trial' }): Promise<Answer> {
  const own = await huntOf(hunt);
  let finding: Awaited<ReturnType<Hunt['trial']>>;
  try {
    finding = await own.trial(seed);
  } catch (error) {
    const fault = `the hunt itself failed: ${error instanceof Error ? error.stack : String(error)}`;
    finding = { hunt, seed, fault, files: new Map(), reproduce: '' };
  }
  const files = [...(finding?.files ?? [])].map(
    ([name, bytes]) => [name, Buffer.from(bytes).toString('base64')] as const,
  );
  return {
    ...(finding ? { finding: { ...finding, files } } : {}),
    ...('tally' in own ? { tally: JSON.parse(JSON.stringify(own.tally)) } : {}),
  };
}

process.on('message', async (question: Question) => {
  if (question.kind === 'trial') {
    process.send!(await answer(question));
    return;
  }
  for (const hunt of open.values()) await (await hunt).close?.();
  process.exit(0);
});
