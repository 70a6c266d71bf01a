/** PyTorch's products in float32, TF32 off, where `python3` has it: on its GPU, else on the CPU. */
import { spawn } from 'node:child_process';
import { InputError } from '../../src/errors.ts';
import type { Effort } from '../measure.ts';
import type { OperationTask } from '../operations.ts';
import type { Peer } from './peer.ts';

/** Reads a task a line, writes its seconds a line: median, smallest and largest of some runs, by the device's own clock on a GPU. */
const SCRIPT = `
import json, statistics, sys, time
import torch
torch.backends.cuda.matmul.allow_tf32 = False
torch.set_float32_matmul_precision("highest")
gpu = torch.cuda.is_available()
device = "cuda" if gpu else "cpu"
name = torch.cuda.get_device_name() if gpu else f"CPU, {torch.get_num_threads()} threads"
print(json.dumps({"version": torch.__version__, "device": name, "gpu": gpu}), flush=True)

def seconds(work):
    if not gpu:
        start = time.perf_counter()
        work()
        return time.perf_counter() - start
    torch.cuda.synchronize()
    ends = [torch.cuda.Event(enable_timing=True) for _ in range(2)]
    ends[0].record()
    work()
    ends[1].record()
    torch.cuda.synchronize()
    return ends[0].elapsed_time(ends[1]) / 1000

for line in sys.stdin:
    task = json.loads(line)
    shape = (task["batch"], task["n"], task["n"]) if task["batch"] > 1 else (task["n"], task["n"])
    kind = torch.complex64 if task["complex"] else torch.float32
    a, b = (torch.randn(shape, dtype=kind, device=device) for _ in range(2))
    out = torch.empty(shape, dtype=kind, device=device)
    work = lambda: torch.matmul(a, b, out=out)
    first, again = seconds(work), seconds(work)
    runs, total = [], 0.0
    while (total < task["seconds"] or len(runs) < task["repeats"]) and len(runs) < 1000:
        runs.append(seconds(work))
        total += runs[-1]
    print(json.dumps([statistics.median(runs), min(runs), max(runs), len(runs)]), flush=True)
`;

/** @throws InputError where python3 or torch is missing. */
export async function torch(): Promise<Peer> {
  const python = spawn('python3', ['-c', SCRIPT], { stdio: ['pipe', 'pipe', 'pipe'] });
  let complaints = '';
  python.stderr.on('data', (text) => {
    complaints += text;
  });
  const lines = linesOf(python);
  const ask = async () => {
    const { value } = await lines.next();
    if (value === undefined) {
      const reason = complaints.trim().split('\n').at(-1);
      throw new InputError(`torch: python3 must import torch, got ${reason || 'no answer'}`);
    }
    return JSON.parse(value);
  };
  const { version, device, gpu } = (await ask()) as { version: string; device: string; gpu: boolean };
  python.unref();
  const product = async (task: OperationTask, effort: Effort) => {
    if (!task.product) return undefined;
    python.stdin.write(`${JSON.stringify({ ...task.product, ...effort })}\n`);
    const [median, smallest, largest, repeats] = (await ask()) as [number, number, number, number];
    const rate = (seconds: number) => task.flops / seconds / 1e9;
    return {
      ...{ task: task.name, engine: 'torch', unit: task.unit, repeats },
      ...{ median: rate(median), smallest: rate(largest), largest: rate(smallest) },
      flopsPerSecond: task.flops / median,
      bytesPerSecond: (4 * task.numbers) / median,
      deviceFlopsPerSecond: gpu ? task.flops / median : null,
    };
  };
  return { name: 'torch', description: `PyTorch ${version} on ${device}, TF32 off`, software: !gpu, product };
}

async function* linesOf(process: {
  stdout: AsyncIterable<Buffer>;
  on(event: 'error', listener: () => void): void;
}) {
  // No python3: its output then ends at once.
  process.on('error', () => {});
  let rest = '';
  for await (const chunk of process.stdout) {
    const parts = (rest + chunk.toString()).split('\n');
    rest = parts.pop()!;
    yield* parts;
  }
}
