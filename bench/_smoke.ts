import fc from 'fast-check';
import { FAMILIES } from '/work/main/test/support/families.ts';
import { networkOf } from '/work/main/test/support/randomNetwork.ts';
import { features } from '/work/main/test/support/features.ts';
import { sampledLowerBound } from '/work/main/test/support/forward.ts';
for (const [name, plans] of Object.entries(FAMILIES)) {
  const t=performance.now();
  const samples = fc.sample(plans, {numRuns:300, seed:1});
  const t1=performance.now();
  const nets = samples.map(networkOf);
  const t2=performance.now();
  const count = new Map<string,number>();
  let nodes=0, entries=0, zero=0;
  for (const n of nets) { nodes+=n.nodes.length; for (const f of features(n)) count.set(f,(count.get(f)??0)+1); for(const t of n.tensors) entries+=t.shape.reduce((a,b)=>a*b,1);}
  for (const n of nets) if (!(sampledLowerBound(n,6,1)>0)) zero++;
  const t3=performance.now();
  console.log(name, 'nodes', nodes/300, 'entries', entries/300, 'zero', zero, 'ms/net', (t1-t)/300,(t2-t1)/300,(t3-t2)/300);
  console.log([...count].sort((a,b)=>b[1]-a[1]).map(x=>x.join(':')).join('  '));
}
