import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { leadIdOf } from '../../../src/domain/lead-keys.js';
import type { RunningProcess } from '../../support/service.js';
import type { Random } from '../random.js';
import type { World } from '../world.js';
import type { Scenarios, Trial } from './scenario.js';

const CRASHES_AT_MOST = 20;
/** Of each sender: some three hundred leads a second together. */
export const PACE_MS = 100;

/** Processes of the service are killed, frozen and stopped in order. */
export const PROCESS_SCENARIOS: Scenarios = {
  'api-kill': {
    about: 'SIGKILL of the api at a random moment',
    // So dense that some requests are in flight at each kill.
    ciPauseAtMostMs: 10,
    trials: { full: 300, ci: 5 },
    fault: ({ world }) => world.killAndRestart('api'),
  },
  'worker-kill': {
    about: 'SIGKILL of the worker at a random moment',
    pauseAtMostMs: PACE_MS,
    trials: { full: 100, ci: 2 },
    fault: ({ world }) => world.killAndRestart('worker'),
  },
  'worker-boundary': {
    about: 'the worker is killed at each I/O step in turn',
    // Fourteen steps at present, 25 times each.
    pauseAtMostMs: PACE_MS,
    ciPauseAtMostMs: 200,
    trials: { full: 350, ci: 14 },
    async fault({ world, random, number, load, note }) {
      const places = await boundaries(world, note);
      const [place, next] = [number - 1, number].map((trial) => places[trial % places.length]!) as [string, string];
      if (DOOMED.get(world.worker) !== place) await startDoomed(world, place, random);
      const doomed = world.worker;
      doomed.child.kill(ARMING);
      const came = await ended(doomed.child, 30_000);
      if (!came) throw new Error(`The worker did not reach ${place}. ${await world.describe()}\n${doomed.output().slice(-2000)}`);
      await load.pause(); // else most of the trial would be the drain of what came meanwhile
      // This worker takes over those leads. The next trial kills it, which saves that trial the start of a worker.
      await startDoomed(world, next, random);
    },
  },
  'worker-freeze': {
    about: 'a worker is frozen past its lease, another runs its leads, then it resumes',
    pauseAtMostMs: PACE_MS,
    trials: { full: 100, ci: 2 },
    async fault({ world, random }) {
      const other = await world.startRole('worker');
      const pid = world.worker.child.pid!;
      process.kill(pid, 'SIGSTOP');
      await sleep(random.between(1500, 4000));
      process.kill(pid, 'SIGCONT');
      await sleep(300);
      await other.stop();
    },
  },
  'poison-lead': {
    about: 'a lead crashes its worker each time; it becomes a dead letter, other leads continue',
    pauseAtMostMs: PACE_MS,
    trials: { full: 50, ci: 1 },
    async fault({ world, load, number }) {
      const email = `poison-${number}@acme.com`;
      const id = leadIdOf(email, 'poison');
      world.doomed.add(id);
      await world.worker.kill();
      const { status } = await world.api.post({ email, campaign_id: 'poison' });
      if (status !== 202) throw new Error(`The poison message was answered ${status}.`);
      // A bounded number of other leads: each crash repeats all leads in flight.
      await load.pause();
      const dead = () => world.count("SELECT count(*)::int AS n FROM ledger.leads WHERE id = $1 AND state = 'dead'", [id]);
      for (let crash = 0; (await dead()) === 0; crash++) {
        if (crash === CRASHES_AT_MOST) throw new Error(`The poison message was not dead-lettered after ${crash} crashes.`);
        const worker = await world.startDoomedWorker({ CHAOS_KILL_LEAD: id });
        const deadline = Date.now() + 20_000;
        while (worker.child.signalCode === null && (await dead()) === 0 && Date.now() < deadline) await sleep(100);
        await worker.stop();
        // As a supervisor would, after the dead worker's heartbeat is missed.
        if ((await dead()) === 0) await sleep(3200);
      }
      world.worker = await world.startRole('worker');
    },
  },
  sigterm: {
    about: 'SIGTERM to api and worker at a random moment: they stop within ten seconds, exit code 0',
    pauseAtMostMs: PACE_MS,
    trials: { full: 50, ci: 2 },
    async fault({ world, random }) {
      const role = random.chance(0.3) ? 'api' : 'worker';
      const { code, ms } = await world.stopAndRestart(role);
      if (code !== 0 || ms > 10_000) throw new Error(`The ${role} ended with ${code} after ${Math.round(ms)} ms.`);
    },
  },
};

const ARMING = 'SIGUSR2';
/** The step at which a worker is killed once it was armed. */
const DOOMED = new WeakMap<RunningProcess, string>();

/** Replaces the worker. A batch passes some steps once, however many leads it has. */
async function startDoomed(world: World, place: string, random: Random): Promise<void> {
  await world.worker.kill();
  const env = { CHAOS_KILL_AT: place, CHAOS_KILL_AFTER: String(random.between(1, 10)), CHAOS_ARMED_BY: ARMING };
  world.worker = await world.startDoomedWorker(env);
  DOOMED.set(world.worker, place);
}

/** Every I/O step of a worker: recorded by a worker under load, not listed by hand. */
async function boundaries(world: World, note: Trial['note']): Promise<string[]> {
  const known = NOTED.get(world);
  if (known) return known;
  const folder = await mkdtemp(join(tmpdir(), 'revenueflow-boundaries-'));
  const file = join(folder, 'places');
  await world.worker.kill();
  const noting = await world.startDoomedWorker({ CHAOS_RECORD: file });
  const deadline = Date.now() + 10_000;
  let places: string[] = [];
  let stable = 0;
  while (stable < 10 && Date.now() < deadline) {
    await sleep(200);
    const seen = (await readFile(file, 'utf8').catch(() => '')).split('\n').filter((line) => line !== '');
    stable = seen.length > 0 && seen.length === places.length ? stable + 1 : 0;
    places = seen;
  }
  await noting.stop();
  await rm(folder, { recursive: true, force: true });
  world.worker = await world.startRole('worker');
  places = places.toSorted();
  note(`boundaries: ${places.join(', ')}`);
  NOTED.set(world, places);
  return places;
}

const NOTED = new WeakMap<World, string[]>();

async function ended(child: { exitCode: number | null; signalCode: string | null }, ms: number): Promise<boolean> {
  const deadline = Date.now() + ms;
  while (child.exitCode === null && child.signalCode === null) {
    if (Date.now() > deadline) return false;
    await sleep(20);
  }
  return true;
}
