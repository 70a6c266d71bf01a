/** From a fresh clone to a first bound: installs, builds, bounds an example. `npm run quickstart` */
import { installPackages, requireNode, run, step } from './steps.mjs';

const EXAMPLE = 'examples/resnet.onnx';

await step('Node.js 20 or later', () => requireNode(20));
await step('npm packages', installPackages);
await step('build', () => run('npm', ['run', '--silent', 'build']));
await step(`lipsoid bound ${EXAMPLE}`, () => run(process.execPath, ['dist/cli/main.js', 'bound', EXAMPLE]));
console.log('\nNext: node dist/cli/main.js bound YOUR_NETWORK.onnx (or --help)');
