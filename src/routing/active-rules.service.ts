import { Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { AppError } from '../domain/app-error.js';
import type { Config } from '../platform/config/config.js';
import type { Logger } from '../platform/observability/logger.js';
import { CONFIG, LOGGER } from '../platform/platform.module.js';
import type { ActiveRules } from './decisions.repository.js';
import { RuleVersionsRepository } from './rule-versions.repository.js';
import { loadRoutingRules, readRoutingRules, type CompiledRules } from './rules.js';

/** Versions that are kept in memory: those of the decisions that people look at. */
const KEPT_VERSIONS = 5;

/** The rules that decide now: the version that was activated last, which may be another than that of the file. */
@Injectable()
export class ActiveRulesService implements OnApplicationBootstrap {
  private readonly kept = new Map<number, Promise<CompiledRules>>();
  private fileHash: string | undefined;
  private stored: Promise<void> | undefined;

  constructor(
    private readonly versions: RuleVersionsRepository,
    @Inject(CONFIG) private readonly config: Pick<Config, 'ROUTING_RULES'>,
    @Inject(LOGGER) private readonly logger: Pick<Logger, 'warn'>,
  ) {}

  get isOn(): boolean {
    return this.config.ROUTING_RULES !== undefined;
  }

  async onApplicationBootstrap(): Promise<void> {
    if (!this.isOn) return;
    const active = await this.required();
    if (!this.isOfFile(active))
      this.logger.warn(
        { active: active.version },
        'The active routing rules are not those of the file: run `routing rules activate` with the version of the file',
      );
  }

  /** Once per process, and before the first decision: the workers may start before this service. */
  private storeFile(path: string): Promise<void> {
    this.stored ??= this.readFile(path).catch((error: unknown) => {
      this.stored = undefined;
      throw error;
    });
    return this.stored;
  }

  private async readFile(path: string): Promise<void> {
    const rules = await loadRoutingRules(path);
    this.fileHash = rules.hash;
    await this.versions.addFile(rules);
  }

  /** Whether the active rules are those of the file. */
  isOfFile({ rules }: ActiveRules): boolean {
    return rules.hash === this.fileHash;
  }

  /** @throws AppError BAD_REQUEST where routing is off. */
  async required(): Promise<ActiveRules> {
    const path = this.config.ROUTING_RULES;
    if (path !== undefined) await this.storeFile(path);
    const version = path === undefined ? null : await this.versions.activeVersion();
    if (version === null) throw new AppError('BAD_REQUEST', 'Routing is off: set ROUTING_RULES to the path of a rules file.');
    return { version, rules: await this.of(version) };
  }

  /** The rules of a stored version, which never changes. @throws AppError NOT_FOUND */
  async of(version: number): Promise<CompiledRules> {
    // A page of decisions asks for the same version many times at once: it is read once.
    const rules = this.kept.get(version) ?? this.read(version);
    // The version that was used last is the last one.
    this.kept.delete(version);
    this.kept.set(version, rules);
    if (this.kept.size > KEPT_VERSIONS) this.kept.delete(this.kept.keys().next().value!);
    return rules.catch((error: unknown) => {
      if (this.kept.get(version) === rules) this.kept.delete(version);
      throw error;
    });
  }

  private async read(version: number): Promise<CompiledRules> {
    const stored = await this.versions.find(version);
    if (!stored) throw new AppError('NOT_FOUND', 'No routing rules have this version. GET /ops/routing lists the versions.');
    const read = readRoutingRules(stored.document);
    if ('problems' in read)
      throw new AppError('CONFIG_INVALID', `Version ${version} of the routing rules cannot be read by this release.`);
    return { ...read.rules, hash: stored.hash };
  }
}
