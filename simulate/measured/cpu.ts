import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { cpuMsOf } from '../../bench/support.js';

/** A thread with this share of a core was not kept waiting. */
const HAD_A_CORE = 0.95;

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

export interface Yardstick {
  /** CPU time of fixed reference work like the service's: JSON, hashes, a map. Other load slows both down. */
  cpuMs: number;
  /** Competing threads of other programs, estimated from the share of a core that one thread gets. */
  competing: number;
}

export async function yardstick(): Promise<Yardstick> {
  const [cpu, began, machine] = [process.cpuUsage(), performance.now(), await machineCpuMs()];
  const seen = new Map<string, number>();
  for (let turn = 0; turn < 100_000; turn++) {
    const text = JSON.stringify({
      email: `person${turn}@enterprise.com`,
      name: 'Alex Smith',
      attributes: { turn, title: 'VP Sales' },
    });
    const { email } = JSON.parse(text) as { email: string };
    seen.set(createHash('sha256').update(email).digest('hex'), turn);
  }
  const wallMs = performance.now() - began;
  const { user, system } = process.cpuUsage(cpu);
  const cpuMs = (user + system) / 1000;
  const share = Math.min(1, cpuMs / wallMs);
  const busy = ((await machineCpuMs()) - machine) / wallMs - share;
  return { cpuMs, competing: Math.max(0, share > HAD_A_CORE ? busy : cpus().length / share - 1) };
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
