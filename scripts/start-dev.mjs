// `npm run start:dev`: compiles and starts the service, and does both again when a file of src/ changes. While a
// change does not compile, the service of the last good state goes on.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, watch } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compile } from './compile.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
/** The flags of `npm start`, so that both run the same. */
const [, ...args] = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).scripts.start.split(' ');
/** An editor or a checkout writes several files at once. */
const QUIET_MS = 100;

let service = null;
let timer = null;
let work = Promise.resolve();

async function restart() {
  console.log('Compiling src/ to dist/ …');
  if (!(await compile())) return;
  if (service && service.exitCode === null && service.signalCode === null) {
    service.kill('SIGTERM');
    await once(service, 'exit');
  }
  service = spawn(process.execPath, args, { stdio: 'inherit', cwd: root });
}

function schedule() {
  clearTimeout(timer);
  timer = setTimeout(() => {
    work = work.then(restart);
  }, QUIET_MS);
}

watch(join(root, 'src'), { recursive: true }, (_event, file) => {
  if (!/\.spec\.tsx?$/.test(file ?? '')) schedule();
});
// A Ctrl-C reaches the service too; it ends in order, and this process with it.
for (const signal of ['SIGINT', 'SIGTERM'])
  process.on(signal, async () => {
    clearTimeout(timer);
    await work;
    if (service?.exitCode === null && service.signalCode === null) {
      if (signal === 'SIGTERM') service.kill('SIGTERM');
      await once(service, 'exit');
    }
    process.exit(service?.exitCode ?? 0);
  });
work = restart();
