import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import { COLLECTOR_IMAGE, collectorConfig } from './collector.js';

export const PORT = 3000;

export interface TaskProps {
  family: string;
  image: ecs.ContainerImage;
  cpu: number;
  memoryMiB: number;
  key: IKey;
  logDays: number;
  environment: Record<string, string>;
  secrets: Record<string, ecs.Secret>;
  command?: string[];
  /** With it, a collector beside the service. */
  collector?: { role: 'api' | 'worker'; namespace: string; token: ISecret };
}

/** One task definition with roles of its own: the container of the service, and beside it the collector. */
export class Task extends Construct {
  readonly definition: ecs.FargateTaskDefinition;

  constructor(scope: Construct, id: string, props: TaskProps) {
    super(scope, id);
    const { family, image, cpu, memoryMiB, environment, secrets, command } = props;
    this.definition = new ecs.FargateTaskDefinition(this, 'Definition', {
      family,
      cpu,
      memoryLimitMiB: memoryMiB,
      runtimePlatform: { cpuArchitecture: ecs.CpuArchitecture.X86_64, operatingSystemFamily: ecs.OperatingSystemFamily.LINUX },
    });
    this.definition.addContainer('service', {
      image,
      environment,
      secrets,
      essential: true,
      readonlyRootFilesystem: true,
      user: '1000:1000',
      // Above the ten seconds that an orderly stop may take.
      stopTimeout: Duration.seconds(30),
      logging: ecs.LogDrivers.awsLogs({ streamPrefix: family, logGroup: this.logGroup('Log', props) }),
      ...(command
        ? { command }
        : {
            portMappings: [{ containerPort: PORT }],
            healthCheck: {
              command: ['CMD', 'node', 'healthcheck.mjs'],
              interval: Duration.seconds(10),
              startPeriod: Duration.seconds(30),
            },
          }),
    });
    if (props.collector) this.addCollector(props, props.collector);
  }

  private addCollector(props: TaskProps, { role, namespace, token }: NonNullable<TaskProps['collector']>): void {
    const metrics = this.logGroup('Metrics', props);
    this.definition.addContainer('collector', {
      image: ecs.ContainerImage.fromRegistry(COLLECTOR_IMAGE),
      // The service continues without metrics; alarms then report missing data.
      essential: false,
      readonlyRootFilesystem: true,
      memoryLimitMiB: 256,
      environment: { AOT_CONFIG_CONTENT: collectorConfig(role, namespace, metrics.logGroupName) },
      secrets: { COLLECTOR_TOKEN: ecs.Secret.fromSecretsManager(token) },
      logging: ecs.LogDrivers.awsLogs({ streamPrefix: 'collector', logGroup: this.logGroup('CollectorLog', props) }),
    });
    metrics.grantWrite(this.definition.taskRole);
  }

  private logGroup(id: string, { key, logDays }: TaskProps): LogGroup {
    return new LogGroup(this, id, { retention: logDays, encryptionKey: key, removalPolicy: RemovalPolicy.DESTROY });
  }
}
