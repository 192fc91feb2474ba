import { Inject, Module, type OnApplicationBootstrap, type OnModuleInit } from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_PIPE, HttpAdapterHost } from '@nestjs/core';
import type { FastifyInstance } from 'fastify';
import type { Clock } from '../clock.js';
import type { Config } from '../config/config.js';
import type { Logger } from '../observability/logger.js';
import { CLOCK, CONFIG, LOGGER } from '../platform.module.js';
import { checkAccess } from './access.hook.js';
import { answerOtherMethods } from './allowed-methods.js';
import { OperatorAuth } from './operator-auth.js';
import { ProblemFilter } from './problem.js';
import { SchemaPipe } from './schema.pipe.js';
import { StrictRequestGuard } from './strict-request.guard.js';
import { traceWebhooks } from './trace-requests.js';
import { WebhookAuth } from './webhook-auth.js';

/**
 * Checks access, applies schemas and turns errors into problems on every route. A module that mounts a Fastify plugin
 * calls `register` in onModuleInit and does not await it. Fastify then loads the plugin at `listen`, after these hooks
 * are in place. Awaiting it would load Nest's routes before their error handler.
 */
@Module({
  providers: [
    { provide: APP_PIPE, useClass: SchemaPipe },
    { provide: APP_GUARD, useClass: StrictRequestGuard },
    { provide: APP_FILTER, inject: [LOGGER], useFactory: (logger: Logger) => new ProblemFilter(logger) },
  ],
})
export class HttpModule implements OnModuleInit, OnApplicationBootstrap {
  constructor(
    private readonly host: HttpAdapterHost,
    @Inject(CONFIG) private readonly config: Config,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  onModuleInit(): void {
    const { WEBHOOK_SECRETS, OPS_TOKENS, OTEL_EXPORTER_OTLP_ENDPOINT } = this.config;
    checkAccess(this.fastify(), {
      webhooks: new WebhookAuth(WEBHOOK_SECRETS, this.clock),
      operators: new OperatorAuth(OPS_TOKENS, this.clock),
      open: { webhooks: !WEBHOOK_SECRETS, operations: !OPS_TOKENS },
    });
    if (OTEL_EXPORTER_OTLP_ENDPOINT) traceWebhooks(this.fastify());
  }

  /** Registered last, so that the routes of all other plugins are known when it is loaded. */
  onApplicationBootstrap(): void {
    void this.fastify().register(async (fastify) => answerOtherMethods(fastify));
  }

  private fastify(): FastifyInstance {
    return this.host.httpAdapter.getInstance<FastifyInstance>();
  }
}
