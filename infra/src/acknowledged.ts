import { Validations, type Stack } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';
import type { Settings } from './settings.js';

export interface Finding {
  /** Constructs below the stack. */
  at: string[];
  id: string;
  /** Why it is right as it is. */
  reason: string;
}

const TASKS = ['Services/Api/Definition', 'Services/Worker/Definition', 'Services/Migration/Definition'];

/** Findings that are accepted in every stage. */
const FINDINGS: Finding[] = [
  {
    at: ['Network/Balancer'],
    id: 'AwsSolutions-EC23',
    reason:
      'The load balancer is the public way in. Who may use it is decided by the firewall, the paths it forwards and the secrets.',
  },
  {
    at: [
      'Stores/Database/Secret',
      'Stores/CacheToken',
      'Secrets/CollectorToken',
      'Secrets/OperatorToken',
      'Secrets/OpsTokens',
      'Secrets/RedisUrl',
    ],
    id: 'AwsSolutions-SMG4',
    reason:
      'Generated on AWS, never seen by a person, usable inside the VPC only. Running tasks hold it, so a rotation needs a deployment: ' +
      'docs/production-stack.md says how. What leaves the VPC, the webhook secrets, rotates by itself.',
  },
  {
    at: ['Secrets/Salesforce'],
    id: 'AwsSolutions-SMG4',
    reason: 'Salesforce issues it, so it can only be rotated there: docs/production-stack.md says how.',
  },
  {
    at: ['Stores/Database'],
    id: 'AwsSolutions-RDS11',
    reason:
      'The usual port in subnets without a way in: security groups decide who connects, and another number would block no one.',
  },
  {
    at: ['Stores/Cache'],
    id: 'AwsSolutions-AEC5',
    reason:
      'The usual port in subnets without a way in: security groups decide who connects, and another number would block no one.',
  },
  {
    at: TASKS,
    id: 'AwsSolutions-ECS2',
    reason: 'Settings that anybody may read. Everything secret comes from Secrets Manager, which the tests of this stack check.',
  },
  {
    at: TASKS.map((task) => `${task}/ExecutionRole`),
    id: 'AwsSolutions-IAM5[Resource::*]',
    reason: 'ecr:GetAuthorizationToken knows no resource. Pulling and the secrets are limited to this image and these secrets.',
  },
  {
    at: ['Rotation/Role'],
    id: 'AwsSolutions-IAM5[Resource::*]',
    reason: 'secretsmanager:GetRandomPassword, which CDK grants to every rotation, knows no resource and reads nothing.',
  },
  {
    at: ['Rotation/Role'],
    id: 'AwsSolutions-IAM5[Action::kms:GenerateDataKey*]',
    reason: 'Publishing to an encrypted topic needs both variants of the action, on the one key of this stack.',
  },
  {
    at: ['Migration/RunnerRole'],
    id: 'AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:ecs:<AWS::Region>:<AWS::AccountId>:task/<ServicesClusterFAAA2B60>/*]',
    reason: 'The task to look at has no name before it is started; it is always one of this cluster.',
  },
  {
    at: ['Migration/ProviderRole'],
    id: 'AwsSolutions-IAM5[Resource::<MigrationRunner929A4CC5.Arn>:*]',
    reason: 'CDK’s provider may call any version of its own one function.',
  },
  {
    at: ['Edge/AccessLogs'],
    id: 'AwsSolutions-S1',
    reason: 'This is the bucket of access logs; a log of the writing of logs would never end.',
  },
  {
    at: ['Services/Api/Definition', 'Services/Worker/Definition'],
    id: 'CloudFormation-Validate::E1029',
    reason: '${env:…} is for the collector, which reads it from its environment; CloudFormation has no part in it.',
  },
];

/** What dev omits, for a tenth of the price. prod has it. */
const DEV: Finding[] = [
  {
    at: ['Stores/Database'],
    id: 'AwsSolutions-RDS3',
    reason: 'One zone: dev has no service level and holds no leads of production.',
  },
  { at: ['Stores/Database'], id: 'AwsSolutions-RDS10', reason: 'dev is made and deleted as needed; its data is made up.' },
  { at: ['Stores/Cache'], id: 'AwsSolutions-AEC4', reason: 'One node without a standby: dev has no service level.' },
];

export function acknowledgedIn({ size }: Settings): Finding[] {
  return size.keep ? FINDINGS : [...FINDINGS, ...DEV];
}

/** Each accepted finding of cdk-nag, with its reason: any other finding stops the synthesis. */
export function acknowledgeFindings(stack: Stack, settings: Settings): void {
  for (const { at, id, reason } of acknowledgedIn(settings)) {
    for (const path of at) {
      const construct = path.split('/').reduce((parent, name) => parent.node.findChild(name), stack as IConstruct);
      Validations.of(construct).acknowledge({ id, reason });
    }
  }
}
