import { AppError } from '../domain/app-error.js';
import type { CrmSynced } from '../domain/lead.js';
import { withTimeout } from '../platform/concurrency/with-timeout.js';
import type { CrmDirectory, CrmOutcomeReader, CrmProvider, CrmSettings, CrmSync, OwnerChange } from './port.js';

/** The longest that a lead waits for the shadow; what the shadow finishes later is found again by the backfill. */
const PATIENCE_MS = 2000;
/** After an outage of the shadow it is left alone for a while. */
const LEFT_ALONE_MS = 15_000;
/** Under way at a time; more are skipped. */
const AT_ONCE = 400;

/**
 * Two CRMs before a cut-over: the first is the one that counts, the second is tried with every lead. Nothing that goes
 * wrong in the second holds a lead up or fails it.
 */
export class ShadowedCrm implements CrmProvider {
  readonly name: string;
  private underWay = 0;
  private aloneUntil = 0;
  private told = false;

  constructor(
    private readonly first: CrmProvider,
    private readonly shadow: CrmProvider,
    private readonly mode: 'validate' | 'write',
    private readonly settings: Pick<CrmSettings, 'clock' | 'logger' | 'observeShadow'>,
  ) {
    this.name = first.name;
  }

  /** Of the CRM that counts. */
  get outcomes(): CrmOutcomeReader | undefined {
    return this.first.outcomes;
  }

  /** Of the CRM that counts. The shadow chooses no owners. */
  get directory(): CrmDirectory | undefined {
    return this.first.directory;
  }

  async changeOwner(leadId: string, from: string, to: string, signal: AbortSignal): Promise<OwnerChange> {
    return (await this.first.changeOwner?.(leadId, from, to, signal)) ?? { kind: 'gone' };
  }

  async sync(request: CrmSync, signal: AbortSignal): Promise<CrmSynced> {
    const reference = await this.first.sync(request, signal);
    if (this.underWay >= AT_ONCE || this.settings.clock.now() < this.aloneUntil) {
      this.settings.observeShadow('skipped');
      return reference;
    }
    if (this.mode === 'validate') {
      void this.tried(() => this.tryValidation(request));
      return reference;
    }
    let shadow: CrmSynced | undefined;
    const writing = this.tried(async () => {
      shadow = await this.shadow.sync(withoutOwner(request), signal);
      this.settings.observeShadow('written');
    });
    await withTimeout(writing, PATIENCE_MS);
    return shadow ? together(reference, shadow) : reference;
  }

  /** Both must forget: where one cannot, it is asked again. */
  async erasePerson(personKey: string, signal: AbortSignal): Promise<number> {
    const counts = await Promise.all([this.first, this.shadow].map((crm) => crm.erasePerson?.(personKey, signal) ?? 0));
    return counts.reduce((sum, count) => sum + count);
  }

  ping(): Promise<void> {
    return this.first.ping();
  }

  expectMore(moreFollow: (waiting: number) => boolean): void {
    this.first.expectMore?.(moreFollow);
    this.shadow.expectMore?.(moreFollow);
  }

  flush(): void {
    this.first.flush?.();
    this.shadow.flush?.();
  }

  async close(): Promise<void> {
    await Promise.all([this.first.close(), this.shadow.close()]);
  }

  private async tryValidation(request: CrmSync): Promise<void> {
    const finding = await this.shadow.validate!(request);
    const problems = [...finding.problems, ...(finding.campaignKnown ? [] : ['the campaign is unknown there'])];
    this.settings.observeShadow(problems.length === 0 ? 'valid' : 'problem');
    if (problems.length > 0) {
      this.settings.logger.warn(
        { leadId: request.projection.lead.id, crm: this.shadow.name, problems },
        'The shadow CRM would not take this lead as it is',
      );
    }
  }

  private async tried(act: () => Promise<void>): Promise<void> {
    this.underWay++;
    try {
      await act();
      this.told = false;
    } catch (cause) {
      const error = AppError.from(cause);
      this.settings.observeShadow('failed');
      if (['dependency-down', 'rate-limited', 'configuration'].includes(error.class)) {
        this.aloneUntil = this.settings.clock.now() + Math.max(LEFT_ALONE_MS, error.retryAfterMs ?? 0);
      }
      if (!this.told)
        this.settings.logger.warn({ crm: this.shadow.name, err: error }, 'The shadow CRM failed; leads are not held up by it');
      this.told = true;
    } finally {
      this.underWay--;
    }
  }
}

/** A turn is taken once, for the CRM that counts. */
function withoutOwner({ owner: _owner, ...request }: CrmSync): CrmSync {
  return request;
}

function together({ exchanges = [], ...first }: CrmSynced, { exchanges: more = [], ...shadow }: CrmSynced): CrmSynced {
  return { ...first, shadow, exchanges: [...exchanges, ...more] };
}
