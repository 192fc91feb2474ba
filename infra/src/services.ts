import { Duration, Stack } from 'aws-cdk-lib';
import type * as ec2 from 'aws-cdk-lib/aws-ec2';
import { Repository, type IRepository } from 'aws-cdk-lib/aws-ecr';
import { Platform } from 'aws-cdk-lib/aws-ecr-assets';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { Construct } from 'constructs';
import { join } from 'node:path';
import { mayInvoke } from './bedrock.js';
import type { Network } from './network.js';
import type { Secrets } from './secrets.js';
import type { Settings } from './settings.js';
import type { Stores } from './stores.js';
import { Task, type TaskProps } from './task.js';

const PROJECT = join(import.meta.dirname, '../..');

export interface ServicesProps {
  settings: Settings;
  network: Network;
  stores: Stores;
  secrets: Secrets;
  key: IKey;
  namespace: string;
}

/** The cluster; the api and the worker, each with a task definition and roles of its own; the task that migrates. */
export class Services extends Construct {
  readonly cluster: ecs.Cluster;
  readonly api: ecs.FargateService;
  readonly worker: ecs.FargateService;
  readonly migration: ecs.FargateTaskDefinition;

  constructor(
    scope: Construct,
    private readonly props: ServicesProps,
  ) {
    super(scope, 'Services');
    const { settings, network, secrets } = props;
    this.cluster = new ecs.Cluster(this, 'Cluster', { vpc: network.vpc, containerInsightsV2: ecs.ContainerInsights.ENABLED });

    const api = this.task('Api', {
      ...settings.size.api,
      // The load balancer is the one proxy in front: failed authentications are counted per client.
      environment: { ROLE: 'api', TRUST_PROXY: '1' },
      secrets: { WEBHOOK_SECRETS: ecs.Secret.fromSecretsManager(secrets.webhooks) },
      role: 'api',
    });
    const worker = this.task('Worker', {
      ...settings.size.worker,
      environment: { ROLE: 'worker', ...this.scorer() },
      // The worker receives no webhooks, but the configuration requires the secrets in every process.
      secrets: { WEBHOOK_SECRETS: ecs.Secret.fromSecretsManager(secrets.webhooks), ...this.crm() },
      role: 'worker',
    });
    for (const statement of mayInvoke(this, settings.modelId)) worker.taskRole.addToPrincipalPolicy(statement);
    this.migration = this.task('Migration', { cpu: 256, memoryMiB: 512, command: ['node', 'dist/cli/main.js', 'migrate'] });

    this.api = this.service('ApiService', api, network.api);
    this.worker = this.service('WorkerService', worker, network.worker);
  }

  private task(
    id: string,
    own: Pick<TaskProps, 'cpu' | 'memoryMiB' | 'command'> &
      Partial<Pick<TaskProps, 'environment' | 'secrets'>> & { role?: 'api' | 'worker' },
  ): ecs.FargateTaskDefinition {
    const { settings, stores, secrets, key, namespace } = this.props;
    const { role, cpu, memoryMiB, command } = own;
    const common = {
      DATABASE_URL: stores.databaseUrl,
      // The certificate authorities of RDS, which are in the image.
      NODE_EXTRA_CA_CERTS: '/app/certificates/rds.pem',
    };
    const password = { PGPASSWORD: ecs.Secret.fromSecretsManager(stores.database.secret!, 'password') };
    const shared = {
      ENV: 'REAL',
      CRM_PROVIDER: settings.crm,
      SPOOL: settings.spool,
      ...settings.set,
    };
    const sharedSecrets = {
      REDIS_URL: ecs.Secret.fromSecretsManager(secrets.redisUrl),
      OPS_TOKENS: ecs.Secret.fromSecretsManager(secrets.opsTokens),
    };
    const task = new Task(this, id, {
      family: `revenueflow-${settings.stage}-${id.toLowerCase()}`,
      image: this.image(),
      key,
      cpu,
      memoryMiB,
      logDays: settings.size.logDays,
      environment: role ? { ...common, ...shared, ...own.environment } : common,
      secrets: role ? { ...password, ...sharedSecrets, ...own.secrets } : password,
      ...(command ? { command } : {}),
      ...(role ? { collector: { role, namespace, token: secrets.collectorToken } } : {}),
    });
    return task.definition;
  }

  private image(): ecs.ContainerImage {
    const { image, version } = this.props.settings;
    if (image) return this.imageOf(image);
    return ecs.ContainerImage.fromAsset(PROJECT, {
      target: 'service',
      platform: Platform.LINUX_AMD64,
      buildArgs: { VERSION: version },
    });
  }

  /** Tasks may pull from registries of this account; any other registry must be public. */
  private imageOf(name: string): ecs.ContainerImage {
    const ecr = /^(\d{12})\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com\/([^@:]+)[@:](.+)$/.exec(name);
    if (!ecr) return ecs.ContainerImage.fromRegistry(name);
    const [, account, region, repositoryName, tagOrDigest] = ecr as unknown as [string, string, string, string, string];
    const repositoryArn = `arn:${Stack.of(this).partition}:ecr:${region}:${account}:repository/${repositoryName}`;
    const id = 'Repository';
    const repository =
      (this.node.tryFindChild(id) as IRepository | undefined) ??
      Repository.fromRepositoryAttributes(this, id, { repositoryArn, repositoryName });
    return ecs.ContainerImage.fromEcrRepository(repository, tagOrDigest);
  }

  private scorer(): Record<string, string> {
    const { modelId } = this.props.settings;
    // Without the model's answer the rules score: better than a placeholder.
    return {
      AI_PROVIDER: 'bedrock',
      AWS_REGION: Stack.of(this).region,
      BEDROCK_MODEL_ID: modelId,
      AI_FALLBACK_PROVIDER: 'heuristic',
    };
  }

  private crm(): Record<string, ecs.Secret> {
    const { settings, secrets } = this.props;
    if (settings.crm !== 'salesforce') return {};
    const of = (field: string) => ecs.Secret.fromSecretsManager(secrets.salesforce, field);
    return {
      SALESFORCE_LOGIN_URL: of('loginUrl'),
      SALESFORCE_CLIENT_ID: of('clientId'),
      SALESFORCE_CLIENT_SECRET: of('clientSecret'),
    };
  }

  private service(id: string, taskDefinition: ecs.FargateTaskDefinition, group: ec2.SecurityGroup): ecs.FargateService {
    return new ecs.FargateService(this, id, {
      cluster: this.cluster,
      taskDefinition,
      // No desiredCount: a deployment would undo the scaling.
      securityGroups: [group],
      assignPublicIp: false,
      // New tasks serve before old ones stop; if one does not start, the old version is restored.
      minHealthyPercent: 100,
      maxHealthyPercent: 200,
      circuitBreaker: { rollback: true },
      ...(id === 'ApiService' ? { healthCheckGracePeriod: Duration.seconds(60) } : {}),
    });
  }
}
