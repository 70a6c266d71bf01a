/** What a process takes, as Linux counts it. */
import { readFileSync } from 'node:fs';

/** Whoever waits and does nothing is stopped after so many times the limit of the processor. */
export const PATIENCE = 3;

/** Of the times in /proc/PID/stat, everywhere where there is one. */
const TICKS_PER_SECOND = 100;

/** 0 where there is no /proc to ask. */
export function residentBytes(pid: number): number {
  try {
    const kilobytes = /^VmRSS:\s*(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return 1024 * Number(kilobytes ?? 0);
  } catch {
    return 0;
  }
}

/** 0 where there is no /proc to ask. */
export function processorSeconds(pid: number): number {
  try {
    // The name, in parentheses, may hold anything: fields are counted behind it.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)!.split(' ');
    return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
  } catch {
    return 0;
  }
}
