import fc from 'fast-check';
import { FAMILIES } from '../support/families.ts';
import { networkOf } from '../support/randomNetwork.ts';
import { bound } from '../../src/bounds/bound.ts';
import { createEngine } from '../../src/engine/create.ts';
const engine = await createEngine({ engine: 'cpu-wasm', threads: 1 });
const what = process.argv[2]!;
for (const [name, plans] of Object.entries(FAMILIES)) {
  if (process.argv[3] && !name.includes(process.argv[3])) continue;
  const r = await fc.check(fc.asyncProperty(plans, async (plan) => {
    let res; try { res = await bound(networkOf(plan), { engine }); } catch (e) { return !String((e as Error).message).includes(what); }
    if (what==='SN1') { const sp = res.methods.find((m) => m.method === 'spectral-product')?.bound, sn = res.methods.find((m) => m.rule === 'SN(1)' && m.method==='closed-form')?.bound; return !(sp != null && sn != null && !(sn <= sp*(1+1e-9))); }
    return !res.methods.some((m) => m.error?.includes(what));
  }), { numRuns: 200, seed: 5, endOnFailure: false });
  if (r.failed) {
    const plan = r.counterexample![0]!;
    console.log(name, JSON.stringify(plan, (k, v) => v instanceof Float64Array ? [...v] : v));
    try { const res = await bound(networkOf(plan), { engine }); console.log(res.methods.map((m) => `${m.method} ${m.rule} ${m.bound}`).join('; ')); } catch (e) { console.log((e as Error).message)}
  }
}
await engine.close();
