// Plays the cases of cases.py in Pyodide, in Node, and natively, and compares every answer byte by byte;
// prints the least that a step, a save, a load and a rollback of ten frames cost in each, and how much
// more than the environment's own step the whole tick takes.
//
//   node parity.mjs <folder of Pyodide's core> <native python> <wheel>...
//
// The wheels are those that the cases import: numpy's for Pyodide, the others pure Python.

import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const [core, python, ...wheels] = process.argv.slice(2);
if (!wheels.length) {
  console.error('usage: node parity.mjs <folder of Pyodide> <native python> <wheel>...');
  process.exit(2);
}
const here = dirname(fileURLToPath(import.meta.url));
const source = join(here, '../src');

const { loadPyodide } = await import(join(resolve(core), 'pyodide.mjs'));
let since = performance.now();
const pyodide = await loadPyodide({ env: { PYTHONHASHSEED: '0' }, indexURL: resolve(core) });
for (const wheel of wheels) {
  const data = readFileSync(wheel);
  if (/wasm32/.test(wheel)) await pyodide.loadPackage(resolve(wheel), { checkIntegrity: false });
  else pyodide.unpackArchive(new Uint8Array(data), 'wheel');
}
pyodide.FS.mkdirTree('/igym/interactive_gym');
for (const name of readdirSync(join(source, 'interactive_gym')).filter((one) => one.endsWith('.py'))) {
  pyodide.FS.writeFile(`/igym/interactive_gym/${name}`, readFileSync(join(source, 'interactive_gym', name)));
}
pyodide.FS.writeFile('/igym/cases.py', readFileSync(join(here, 'cases.py')));
pyodide.runPython('import sys, warnings; sys.path.insert(0, "/igym"); warnings.simplefilter("ignore")');
console.log(`Pyodide ${pyodide.version} with ${wheels.map((one) => basename(one)).join(', ')}`);
console.log(`loaded in ${Math.round(performance.now() - since)} ms`);

const native = JSON.parse(
  execFileSync(python, ['-W', 'ignore', join(here, 'cases.py')], {
    env: { ...process.env, PYTHONHASHSEED: '0', PYTHONPATH: source, PYTHONDONTWRITEBYTECODE: '1' },
    maxBuffer: 1 << 28,
  }),
);

const cases = pyodide.pyimport('cases');
const worker = pyodide.pyimport('interactive_gym.worker');
const json = (bytes) => JSON.parse(new TextDecoder().decode(bytes));
const hex = (bytes) => Buffer.from(bytes).toString('hex');
let failed = false;
for (const name of Object.keys(native)) {
  since = performance.now();
  const runtime = worker.open_for_js(cases.configuration(name));
  if (runtime instanceof Uint8Array) {
    console.error(`${name}: ${new TextDecoder().decode(runtime)}`);
    failed = true;
    continue;
  }
  const opened = performance.now() - since;
  const proxy = cases.batches(name);
  const batches = proxy.toJs();
  proxy.destroy();
  const run = runtime.run;
  const answers = [runtime.reset(cases.SEED), ...batches.map((batch) => run(batch))];
  const different = answers.findIndex((answer, place) => hex(answer) !== native[name].answers[place]);
  const bytes = answers.reduce((sum, answer) => sum + answer.length, 0);
  const { snapshot } = json(runtime.describe());
  if (different >= 0) {
    failed = true;
    console.error(`${name}: answer ${different} differs`);
    console.error(`  pyodide ${hex(answers[different])}`);
    console.error(`  native  ${native[name].answers[different]}`);
  } else {
    console.log(`${name}: ${answers.length} answers, ${bytes} bytes, the same in both; opened in ${Math.round(opened)} ms`);
  }
  console.log(`  pyodide ${snapshot} ${JSON.stringify(json(runtime.measure()).least)}`);
  console.log(`  native  ${native[name].snapshot} ${JSON.stringify(native[name].costs.least)}`);
  console.log(`  pyodide ${cases.ratios(name)}`);
  runtime.destroy();
  const traces = {};
  for (const condition of ['plain', 'again', 'rollback', 'drawn', 'watched']) {
    traces[condition] = json(worker.trace(cases.configuration(name), condition, 40, 1));
  }
  const report = json(worker.diagnose(JSON.stringify(traces), name));
  console.log(`  the doctor in Pyodide: ${report.text}`);
  failed ||= !report.deterministic;
}
process.exitCode = failed ? 1 : 0;
