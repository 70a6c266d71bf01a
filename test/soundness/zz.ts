import fc from 'fast-check';
import { bound } from '../../src/bounds/bound.ts';
import { createEngine } from '../../src/engine/create.ts';
import { UnsupportedError } from '../../src/errors.ts';
import { FAMILIES } from '../support/families.ts';
import { sampledLowerBound } from '../support/forward.ts';
import { networkOf } from '../support/randomNetwork.ts';

const engine = await createEngine({ engine: 'cpu-wasm', threads: 1 });
const runs = Number(process.argv[2] ?? 100),
  seed = Number(process.argv[3] ?? 1);
const only = process.argv[4];
for (const [name, plans] of Object.entries(FAMILIES)) {
  if (only && !name.includes(only)) continue;
  const samples = fc.sample(plans, { numRuns: runs, seed });
  const t = performance.now();
  let lowerTime = 0;
  const refusals = new Map<string, number>();
  let errors = 0;
  const crashes = new Map<string, [number, string]>();
  let tight = 0;
  let viol = 0;
  const methods = new Map<string, number>();
  let worse = 0;
  for (const plan of samples) {
    const network = networkOf(plan);
    const t0 = performance.now();
    const lower = sampledLowerBound(network, 10, 3);
    lowerTime += performance.now() - t0;
    let r;
    try {
      r = await bound(network, { engine });
    } catch (e) {
      if (e instanceof UnsupportedError) {
        for (const i of e.items)
          refusals.set(i.found.replace(/\d+/g, '#'), (refusals.get(i.found.replace(/\d+/g, '#')) ?? 0) + 1);
      } else {
        const k = String(e.message).slice(0, 100).replace(/\d+/g, '#');
        crashes.set(k, [(crashes.get(k)?.[0] ?? 0) + 1, JSON.stringify(plan)]);
        if (crashes.get(k)![0] === 1) console.log(e.stack.split('\n').slice(0, 5).join('\n'));
      }
      continue;
    }
    for (const m of r.methods) {
      methods.set(
        m.method + (m.error ? ' ERR ' + m.error.slice(0, 80).replace(/\d+/g, '#') : ''),
        (methods.get(m.method + (m.error ? ' ERR ' + m.error.slice(0, 80).replace(/\d+/g, '#') : '')) ?? 0) +
          1,
      );
      if (m.bound === null) {
        errors++;
        continue;
      }
      if (!(lower <= m.bound * (1 + 1e-9)) && !(lower < 1e-150)) {
        viol++;
        if (viol < 4)
          console.log(
            'VIOLATION',
            m.method,
            m.rule,
            lower,
            m.bound,
            JSON.stringify(plan, (k, v) => (v instanceof Float64Array ? [...v] : v)),
          );
      }
    }
    const sp = r.methods.find((m) => m.method === 'spectral-product')?.bound,
      sn = r.methods.find((m) => m.rule === 'SN(1)' && m.method === 'closed-form')?.bound;
    if (sp != null && sn != null && !(sn <= sp * (1 + 1e-9))) worse++;
    if (lower >= 0.999 * r.bound!) tight++;
  }
  console.log(
    name,
    'viol',
    viol,
    'tight',
    tight,
    'errors',
    errors,
    'SN1>SP',
    worse,
    'ms/net',
    ((performance.now() - t) / runs).toFixed(1),
    'lower',
    (lowerTime / runs).toFixed(1),
    [...refusals],
    [...crashes].map(([k, v]) => k + ' x' + v[0] + ' ' + v[1]),
    [...methods],
  );
}
await engine.close();
