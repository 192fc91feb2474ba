import { readdir, readFile } from 'node:fs/promises';
import { cpuMsOf } from '../../bench/support.js';

/** CPU time of a process and of its children, those that have ended included, in milliseconds (Linux). */
export async function cpuTreeMsOf(pid: number): Promise<number> {
  let sum = (await cpuMsOf(pid)) + (await endedChildrenMsOf(pid));
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const fields = await statOf(Number(name));
    if (fields && Number(fields[1]) === pid) sum += (Number(fields[11]) + Number(fields[12])) * 10;
  }
  return sum;
}

async function endedChildrenMsOf(pid: number): Promise<number> {
  const fields = await statOf(pid);
  return fields ? (Number(fields[13]) + Number(fields[14])) * 10 : 0;
}

/** From the state on, after the name, which may hold blanks. */
async function statOf(pid: number): Promise<string[] | null> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return stat === '' ? null : stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

/** CPU time that the whole machine has used, in milliseconds of one core. */
export async function machineCpuMs(): Promise<number> {
  const [user, nice, system, , , irq, softirq, steal] = (await readFile('/proc/stat', 'utf8'))
    .split('\n')[0]!
    .split(/\s+/)
    .slice(1)
    .map(Number) as [number, number, number, number, number, number, number, number];
  return (user + nice + system + irq + softirq + steal) * 10;
}
