// The work of a worker process, killed at one of its writes: node killed-process.mjs <JSON of KilledWork>.
// It runs the compiled parts without the rest of the service, whose start would take longer than their work.
import pg from 'pg';
import { pino } from 'pino';
import { CRM_PROVIDERS } from '../../dist/crm/registry.js';
import { ScoredLeadsRepository } from '../../dist/ledger/scored-leads.repository.js';
import { CrmOutcomesReader } from '../../dist/outcomes/crm-outcomes.reader.js';
import { FirstScoresRepository } from '../../dist/outcomes/first-scores.repository.js';
import { JudgedLeadsRepository } from '../../dist/outcomes/judged-leads.repository.js';
import { OutcomesRepository } from '../../dist/outcomes/outcomes.repository.js';
import { systemClock } from '../../dist/platform/clock.js';
import { UNLIMITED } from '../../dist/platform/concurrency/rate-limiter.port.js';
import { loadConfig } from '../../dist/platform/config/config.js';
import { Database } from '../../dist/platform/database/database.js';
import { openPool } from '../../dist/platform/database/pool.js';
import { ActiveProfile } from '../../dist/trials/active-profile.js';
import { TrialFiguresRepository } from '../../dist/trials/trial-figures.repository.js';
import { TrialIntake } from '../../dist/trials/trial-intake.js';
import { TrialKeeper } from '../../dist/trials/trial-keeper.js';
import { TrialReport } from '../../dist/trials/trial-report.js';
import { TrialRunner } from '../../dist/trials/trial-runner.js';
import { TrialScorers } from '../../dist/trials/trial-scorers.js';
import { TrialScoresRepository } from '../../dist/trials/trial-scores.repository.js';
import { TrialsRepository } from '../../dist/trials/trials.repository.js';
import { TrialsService } from '../../dist/trials/trials.service.js';

// What a process stores changes only with these.
const WRITES = /^\s*(?:INSERT|UPDATE|DELETE|LOCK|WITH|COMMIT)/i;
const logger = pino({ level: 'silent' });
const { signal } = new AbortController();

/** SIGKILL at a write on any connection of this process: before it is sent, or before its answer. */
function killAtWrite(killAt, isSent) {
  const { query } = pg.Client.prototype;
  let writes = 0;
  pg.Client.prototype.query = function (statement, ...rest) {
    const isLast = WRITES.test(statement.text ?? statement) && ++writes === killAt;
    if (isLast && !isSent) process.kill(process.pid, 'SIGKILL');
    const result = query.call(this, statement, ...rest);
    if (isLast) process.kill(process.pid, 'SIGKILL');
    return result;
  };
}

async function runTrials(database, { promote }) {
  const config = { ...loadConfig({}, { aiProviders: ['heuristic'], crmProviders: ['postgres'] }), LEASE_MS: 0, AI_TIMEOUT_MS: 0 };
  const trials = new TrialsRepository(database);
  const scores = new TrialScoresRepository(database);
  const leads = new ScoredLeadsRepository(database);
  const judged = new JudgedLeadsRepository(database);
  const profile = new ActiveProfile(trials, config, systemClock);
  const report = new TrialReport(new TrialFiguresRepository(database), judged, profile);
  const scorers = await TrialScorers.open({ config, trials, logger, clock: systemClock });
  const keeper = new TrialKeeper(
    trials,
    scores,
    new TrialIntake(leads, scores, judged, profile),
    new TrialRunner(scorers, leads, scores, trials, config, systemClock),
    report,
    `worker ${process.pid}`,
    systemClock,
    logger,
  );
  for (let more = true; more;) {
    more = false;
    for (const trial of await trials.open()) if (await keeper.advance(trial, signal)) more = true;
  }
  for (const trial of await trials.open()) await keeper.advance(trial, signal);
  if ((await trials.champion()).trialId !== promote) {
    await new TrialsService(trials, report, profile, config).promote(promote, 'ann', true);
  }
}

async function pollOutcomes(database, { env }) {
  const firstScores = new FirstScoresRepository(database);
  while (!(await firstScores.catchUp())) continue;
  const config = loadConfig(env, { aiProviders: ['heuristic'], crmProviders: Object.keys(CRM_PROVIDERS) });
  const ignore = () => {};
  const observers = { observeApiUsage: ignore, observeShadow: ignore, observeNotice: ignore, recordNotice: ignore };
  const settings = { config, databaseUrl: '', rateLimiter: UNLIMITED, clock: systemClock, logger, ...observers };
  const provider = await CRM_PROVIDERS.salesforce(settings);
  const repository = new OutcomesRepository(database);
  const statusKinds = new Map([['qualified', 'qualified']]);
  const reader = new CrmOutcomesReader({ repository, crm: provider.outcomes, statusKinds, clock: systemClock });
  while (await reader.read(signal)) continue;
  await provider.close();
}

const { url, work, killAt, isSent } = JSON.parse(process.argv[2]);
killAtWrite(killAt, isSent);
const pool = openPool({ url, max: 3, timeoutMs: 60_000, name: 'killed' });
await (work.kind === 'trials' ? runTrials : pollOutcomes)(new Database(pool), work);
await pool.end();
