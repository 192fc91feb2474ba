import { Rate } from '../engine/rate.js';
import type { Timeline } from '../engine/timeline.js';
import type { Calibration, WorkerCalibration } from '../calibration.js';
import type { Lead } from './lead.js';
import { ApiQuota } from './api-quota.js';
import type { Machines } from './machines.js';
import type { Scenario } from './scenario.js';
import { Tally } from './tally.js';

/** What all processes share: the rates, the org's quota, the ledger's list of provisional scores. */
export class Shared {
  readonly tally = new Tally();
  readonly aiRate: Rate | null;
  readonly crmRate: Rate | null;
  readonly quota: ApiQuota | null;
  readonly cost: WorkerCalibration;
  private owed: Lead[] = [];
  private owedHead = 0;

  constructor(
    timeline: Timeline,
    scenario: Scenario,
    readonly calibration: Calibration,
    readonly machines: Machines,
  ) {
    const { ai, crm } = scenario;
    this.cost = calibration.worker[ai || crm ? 'remote' : 'local'];
    this.aiRate = ai ? new Rate(timeline, ai.ratePerSecond, calibration.commitMs) : null;
    this.crmRate = crm ? new Rate(timeline, crm.ratePerSecond, calibration.commitMs) : null;
    this.quota = crm ? new ApiQuota(timeline, crm, scenario.slaSeconds * 1000) : null;
  }

  /** The lead continued without the model's score. It is rescored once it is in the CRM. */
  owe(lead: Lead): void {
    lead.provisional = true;
    if (lead.synced) this.owed.push(lead);
  }

  arrived(lead: Lead): void {
    lead.synced = true;
    if (lead.provisional) this.owed.push(lead);
  }

  takeOwed(count: number): Lead[] {
    const taken = this.owed.slice(this.owedHead, this.owedHead + count);
    this.owedHead += taken.length;
    if (this.owedHead > 10_000) {
      this.owed = this.owed.slice(this.owedHead);
      this.owedHead = 0;
    }
    return taken;
  }

  get stillOwed(): number {
    return this.owed.length - this.owedHead;
  }
}
