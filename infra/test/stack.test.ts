import { Match, Template } from 'aws-cdk-lib/assertions';
import { describe, expect, it } from 'vitest';
import { CONNECTIONS_PER_PROCESS, SIZES } from '../src/sizes.js';
import { synthesise } from './synthesised.js';

interface Resource {
  Type: string;
  Properties: Record<string, unknown>;
  DependsOn?: string | string[];
  DeletionPolicy?: string;
}
interface Container {
  Name: string;
  Command?: string[];
  Environment?: { Name: string; Value: unknown }[];
  Secrets?: { Name: string }[];
  ReadonlyRootFilesystem?: boolean;
  User?: string;
  HealthCheck?: { Command: string[] };
  StopTimeout?: number;
}

const { template } = synthesise({ stage: 'prod' });
const resources = (type: string, of: Template = template) => Object.entries(of.findResources(type)) as [string, Resource][];
const only = (type: string) => {
  const found = resources(type);
  expect(found.length, type).toBe(1);
  return found[0]![1].Properties as Record<string, never>;
};
const taskDefinition = (suffix: string) =>
  resources('AWS::ECS::TaskDefinition').find(([, { Properties }]) => Properties['Family'] === `revenueflow-prod-${suffix}`)!;
const containers = (suffix: string) => taskDefinition(suffix)[1].Properties['ContainerDefinitions'] as Container[];
const service = (suffix: string) => containers(suffix).find(({ Name }) => Name === 'service')!;
const env = (container: Container) => Object.fromEntries((container.Environment ?? []).map(({ Name, Value }) => [Name, Value]));
const statements = (pattern: RegExp) =>
  resources('AWS::IAM::Policy')
    .filter(([id]) => pattern.test(id))
    .flatMap(
      ([, { Properties }]) =>
        (Properties['PolicyDocument'] as { Statement: { Action: string | string[]; Resource: unknown; Condition?: object }[] })
          .Statement,
    );
const actions = (pattern: RegExp) => statements(pattern).flatMap(({ Action }) => Action);

describe('the network', () => {
  it('keeps the stores in subnets without a way out, and lets only tasks in', () => {
    const isolated = resources('AWS::EC2::Subnet')
      .filter(([id]) => /storesSubnet/.test(id))
      .map(([id]) => id);
    expect(isolated.length).toBe(2);
    const routed = JSON.stringify(resources('AWS::EC2::Route'));
    for (const id of isolated) expect(routed).not.toContain(id.replace(/Subnet[0-9A-F]{8}$/, 'RouteTable'));
    const groups = JSON.stringify(only('AWS::RDS::DBSubnetGroup')['SubnetIds']);
    for (const id of isolated) expect(groups).toContain(id);
    const into = resources('AWS::EC2::SecurityGroupIngress').filter(([, { Properties }]) =>
      [5432, 6379].includes(Properties['FromPort'] as number),
    );
    expect(into.length).toBe(4);
    for (const [, { Properties }] of into) expect(Properties['SourceSecurityGroupId']).toBeDefined();
    expect(JSON.stringify(resources('AWS::EC2::SecurityGroup').find(([id]) => id.startsWith('NetworkStores')))).not.toContain(
      '0.0.0.0/0',
    );
  });

  it('has a NAT gateway a zone, a flow log, and Bedrock inside', () => {
    template.resourceCountIs('AWS::EC2::NatGateway', 2);
    template.resourceCountIs('AWS::EC2::FlowLog', 1);
    template.hasResourceProperties('AWS::EC2::VPCEndpoint', {
      VpcEndpointType: 'Interface',
      ServiceName: Match.objectLike({}),
      PrivateDnsEnabled: true,
    });
  });
});

describe('PostgreSQL', () => {
  it('is on two zones, encrypted, private, and cannot be deleted by mistake', () => {
    const [, database] = resources('AWS::RDS::DBInstance')[0]!;
    expect(database.Properties).toMatchObject({
      MultiAZ: true,
      StorageEncrypted: true,
      PubliclyAccessible: false,
      DeletionProtection: true,
      EngineVersion: '18',
    });
    expect(database.DeletionPolicy).toBe('Snapshot');
  });

  it('commits to disk before it answers, and speaks TLS only', () => {
    expect(only('AWS::RDS::DBParameterGroup')['Parameters']).toMatchObject({ synchronous_commit: 'on', 'rds.force_ssl': '1' });
  });

  it('can be brought back to any second of two weeks', () => {
    expect(only('AWS::RDS::DBInstance')).toMatchObject({
      BackupRetentionPeriod: 14,
      DeleteAutomatedBackups: false,
      CopyTagsToSnapshot: true,
    });
  });

  it.each(Object.entries(SIZES))(
    'has connections for all tasks of %s twice, as in a deployment',
    (_, { api, worker, database }) => {
      const processes = 2 * (api.max + worker.max) + 1;
      expect(processes * CONNECTIONS_PER_PROCESS).toBeLessThan(database.maxConnections);
    },
  );
});

describe('Valkey', () => {
  it('has a standby in another zone, TLS, a token, and evicts nothing', () => {
    expect(only('AWS::ElastiCache::ReplicationGroup')).toMatchObject({
      Engine: 'valkey',
      NumCacheClusters: 2,
      MultiAZEnabled: true,
      AutomaticFailoverEnabled: true,
      TransitEncryptionEnabled: true,
      TransitEncryptionMode: 'required',
      AtRestEncryptionEnabled: true,
    });
    expect(JSON.stringify(only('AWS::ElastiCache::ReplicationGroup')['AuthToken'])).toContain('resolve:secretsmanager');
    expect(only('AWS::ElastiCache::ParameterGroup')['Properties']).toEqual({ 'maxmemory-policy': 'noeviction' });
    expect(resources('AWS::ElastiCache::ServerlessCache')).toEqual([]);
  });
});

describe('the services', () => {
  it('are an api and a worker, each with a definition and roles of its own', () => {
    expect(env(service('api'))).toMatchObject({ ROLE: 'api', TRUST_PROXY: '1' });
    expect(env(service('worker'))['ROLE']).toBe('worker');
    const roles = ['api', 'worker', 'migration'].map((suffix) =>
      JSON.stringify(taskDefinition(suffix)[1].Properties['TaskRoleArn']),
    );
    expect(new Set(roles).size).toBe(3);
  });

  it.each(['api', 'worker', 'migration'])('run %s without rights on a read-only file system', (suffix) => {
    for (const container of containers(suffix)) expect(container.ReadonlyRootFilesystem, container.Name).toBe(true);
    expect(service(suffix)).toMatchObject({ User: '1000:1000', StopTimeout: 30 });
  });

  it('have no secret in their environment', () => {
    for (const suffix of ['api', 'worker', 'migration']) {
      for (const container of containers(suffix)) {
        const plain = Object.keys(env(container));
        expect(plain.filter((name) => /SECRET|TOKEN|PASSWORD|REDIS_URL|PRIVATE_KEY|API_KEY/.test(name))).toEqual([]);
        expect(JSON.stringify(container.Environment ?? [])).not.toContain('resolve:secretsmanager');
      }
    }
    const names = service('worker')
      .Secrets!.map(({ Name }) => Name)
      .sort();
    const salesforce = ['SALESFORCE_CLIENT_ID', 'SALESFORCE_CLIENT_SECRET', 'SALESFORCE_LOGIN_URL'];
    expect(names).toEqual(['OPS_TOKENS', 'PGPASSWORD', 'REDIS_URL', ...salesforce, 'WEBHOOK_SECRETS']);
    expect(
      service('api')
        .Secrets!.map(({ Name }) => Name)
        .sort(),
    ).toEqual(['OPS_TOKENS', 'PGPASSWORD', 'REDIS_URL', 'WEBHOOK_SECRETS']);
    expect(service('migration').Secrets!.map(({ Name }) => Name)).toEqual(['PGPASSWORD']);
  });

  it('verify the certificate of PostgreSQL and speak TLS to Valkey', () => {
    expect(JSON.stringify(env(service('api'))['DATABASE_URL'])).toContain('sslmode=verify-full');
    expect(env(service('api'))['NODE_EXTRA_CA_CERTS']).toBe('/app/certificates/rds.pem');
    expect(JSON.stringify(resources('AWS::SecretsManager::Secret').find(([id]) => id.startsWith('SecretsRedisUrl')))).toContain(
      'rediss://:',
    );
  });

  it('let the worker ask the chosen model and no other, and the api none', () => {
    const asking = statements(/^ServicesWorkerDefinitionTaskRole/).filter(({ Action }) => String(Action).startsWith('bedrock:'));
    expect(asking.flatMap(({ Action }) => Action)).toEqual(['bedrock:InvokeModel', 'bedrock:InvokeModel']);
    const [profile, models] = asking;
    expect(JSON.stringify(profile!.Resource)).toContain('inference-profile/us.anthropic.claude-haiku-4-5-20251001-v1:0');
    expect(JSON.stringify(models!.Resource)).not.toContain('*');
    expect(models!.Condition).toHaveProperty('StringEquals.bedrock:InferenceProfileArn');
    expect(actions(/^ServicesApiDefinitionTaskRole/).filter((action) => !action.startsWith('logs:'))).toEqual([]);
  });

  it('go back by themselves when a deployment fails, and never below what serves', () => {
    const services = resources('AWS::ECS::Service');
    expect(services.length).toBe(2);
    for (const [, { Properties }] of services) {
      expect(Properties['DeploymentConfiguration']).toMatchObject({
        DeploymentCircuitBreaker: { Enable: true, Rollback: true },
        MinimumHealthyPercent: 100,
        MaximumPercent: 200,
      });
      expect(Properties).toMatchObject({
        LaunchType: 'FARGATE',
        NetworkConfiguration: { AwsvpcConfiguration: { AssignPublicIp: 'DISABLED' } },
      });
    }
  });

  it('have the image’s health check', () => {
    for (const suffix of ['api', 'worker'])
      expect(service(suffix).HealthCheck!.Command).toEqual(['CMD', 'node', 'healthcheck.mjs']);
  });

  it('are replaced only after the migration has run', () => {
    expect(service('migration').Command).toEqual(['node', 'dist/cli/main.js', 'migrate']);
    const [done, migration] = resources('Custom::RevenueFlowMigration')[0]!;
    expect(JSON.stringify(migration.Properties['TaskDefinition'])).toContain(taskDefinition('migration')[0]);
    expect(migration.DependsOn!.toString()).toMatch(/NetworkVpc\w*DefaultRoute.*/);
    for (const [, { DependsOn }] of resources('AWS::ECS::Service')) expect(DependsOn).toContain(done);
  });

  it('show CloudWatch the figures that scale and alarm', () => {
    const collector = containers('worker').find(({ Name }) => Name === 'collector')!;
    const config = JSON.stringify(env(collector)['AOT_CONFIG_CONTENT']);
    for (const name of ['oldest_seconds', 'breaker_open', 'dead_letters', 'ledger_away', 'awsemf', '127.0.0.1:3000'])
      expect(config).toContain(name);
    expect(collector.Secrets!.map(({ Name }) => Name)).toEqual(['COLLECTOR_TOKEN']);
  });
});

describe('scaling', () => {
  it('keeps at least two of each, in the bounds of their size', () => {
    const bounds = resources('AWS::ApplicationAutoScaling::ScalableTarget').map(([, { Properties }]) => [
      Properties['MinCapacity'],
      Properties['MaxCapacity'],
    ]);
    expect(bounds.sort()).toEqual(
      [
        [SIZES.prod.worker.min, SIZES.prod.worker.max],
        [SIZES.prod.api.min, SIZES.prod.api.max],
      ].sort(),
    );
  });

  it('is not set back by a deployment', () => {
    for (const [id, { Properties }] of resources('AWS::ECS::Service')) expect(Properties['DesiredCount'], id).toBeUndefined();
  });

  it('goes by requests a target for the api', () => {
    template.hasResourceProperties('AWS::ApplicationAutoScaling::ScalingPolicy', {
      PolicyType: 'TargetTrackingScaling',
      TargetTrackingScalingPolicyConfiguration: {
        PredefinedMetricSpecification: { PredefinedMetricType: 'ALBRequestCountPerTarget' },
        TargetValue: 18_000,
      },
    });
  });

  it('goes by the age of the oldest lead for the worker, and not while its downstream is down', () => {
    const alarms = resources('AWS::CloudWatch::Alarm').filter(([id]) => /OldestLead/.test(id));
    expect(alarms.length).toBe(2);
    for (const [, { Properties }] of alarms) {
      const text = JSON.stringify(Properties['Metrics']);
      expect(text).toContain('revenueflow_oldest_seconds');
      expect(text).toContain('revenueflow_breaker_open');
    }
  });
});

describe('the way in', () => {
  it('is TLS, and plain HTTP only points there', () => {
    template.hasResourceProperties('AWS::ElasticLoadBalancingV2::Listener', {
      Port: 443,
      Protocol: 'HTTPS',
      SslPolicy: Match.stringLikeRegexp('TLS13-1-2'),
    });
    template.hasResourceProperties('AWS::ElasticLoadBalancingV2::Listener', {
      Port: 80,
      DefaultActions: [Match.objectLike({ Type: 'redirect' })],
    });
  });

  it('forwards webhooks and the health check, /ops to named ranges only, never /metrics', () => {
    const rules = (of: Template) =>
      JSON.stringify(
        resources('AWS::ElasticLoadBalancingV2::ListenerRule', of).map(([, { Properties }]) => Properties['Conditions']),
      );
    expect(rules(template)).toContain('/leads');
    expect(rules(template)).not.toContain('/ops');
    const open = synthesise({ stage: 'prod', opsCidrs: '192.0.2.0/24' }).template;
    expect(rules(open)).toContain('192.0.2.0/24');
    expect(rules(open)).not.toContain('/metrics');
    template.hasResourceProperties('AWS::ElasticLoadBalancingV2::Listener', {
      Port: 443,
      DefaultActions: [Match.objectLike({ FixedResponseConfig: Match.objectLike({ StatusCode: '404' }) })],
    });
  });

  it('checks the liveness of an api, not its readiness', () => {
    expect(only('AWS::ElasticLoadBalancingV2::TargetGroup')).toMatchObject({ HealthCheckPath: '/health/live' });
  });

  it('stops what is too long, too often, or without a secret too often', () => {
    const rules = only('AWS::WAFv2::WebACL')['Rules'] as unknown as { Name: string; Action: object }[];
    expect(rules.map(({ Name }) => Name)).toEqual(['too-long', 'no-secret-too-often', 'too-often']);
    for (const { Action } of rules) expect(Action).toEqual({ Block: {} });
    template.resourceCountIs('AWS::WAFv2::WebACLAssociation', 1);
  });

  it('counts 64 KiB exactly', () => {
    const [{ Statement }] = only('AWS::WAFv2::WebACL')['Rules'] as unknown as [
      { Statement: { RegexMatchStatement: { RegexString: string } } },
    ];
    const tooLong = new RegExp(Statement.RegexMatchStatement.RegexString);
    const wrong = Array.from({ length: 70_000 }, (_, n) => n + 60_000).filter(
      (length) => tooLong.test(String(length)) !== length > 65_536,
    );
    expect(wrong).toEqual([]);
    expect(['1000000', '99999999'].every((length) => tooLong.test(length))).toBe(true);
  });

  it('answers Marketo’s ranges alone where they are named', () => {
    const { template: closed } = synthesise({
      stage: 'prod',
      marketoCidrs: '192.0.2.0/24, 198.51.100.0/24',
      opsCidrs: '203.0.113.7/32',
    });
    closed.hasResourceProperties('AWS::WAFv2::IPSet', { Addresses: ['192.0.2.0/24', '198.51.100.0/24', '203.0.113.7/32'] });
    const [, acl] = resources('AWS::WAFv2::WebACL', closed)[0]!;
    expect((acl.Properties['Rules'] as { Name: string }[])[0]!.Name).toBe('not-marketo');
  });

  it('writes no secret into the firewall’s log', () => {
    expect(JSON.stringify(only('AWS::WAFv2::LoggingConfiguration')['RedactedFields'])).toMatch(/authorization.*x-webhook-secret/);
  });
});

describe('secrets', () => {
  it('are all encrypted with the key of the stack, which rotates', () => {
    const secrets = resources('AWS::SecretsManager::Secret');
    expect(secrets.length).toBe(8);
    for (const [id, { Properties }] of secrets) expect(Properties['KmsKeyId'], id).toBeDefined();
    template.hasResourceProperties('AWS::KMS::Key', { EnableKeyRotation: true });
  });

  it('rotate each quarter where they leave the VPC: the webhooks’', () => {
    template.hasResourceProperties('AWS::SecretsManager::RotationSchedule', {
      SecretId: { Ref: Match.stringLikeRegexp('^SecretsWebhooks') },
      RotateImmediatelyOnUpdate: false,
      RotationRules: { ScheduleExpression: 'rate(90 days)' },
    });
    const rights = actions(/^RotationRole/);
    expect(rights.filter((action) => action.startsWith('ecs:'))).toEqual(['ecs:UpdateService']);
  });
});

describe('what is watched and kept', () => {
  it('tells SNS of every alarm, when it comes and when it goes', () => {
    const ours = resources('AWS::CloudWatch::Alarm').filter(([id]) => id.startsWith('Alarms'));
    const names = [
      'SlaAtRisk',
      'SlaBreaches',
      'DeadLetters',
      'BreakerOpen',
      'StagePaused',
      'Rejections',
      'CrmApiBudget',
      'AiBudget',
      'LedgerAway',
      'SpoolInUse',
      'ScorerFallbacks',
      'Refused',
      'SlowAcks',
      'NoApi',
      'NoWorker',
      'RotationFailed',
      'DatabaseFull',
      'DatabaseBusy',
      'DatabaseConnections',
      'CacheFull',
      'CacheBusy',
      'CacheEvicts',
    ];
    expect(ours.map(([id]) => id.replace(/^Alarms|[0-9A-F]{8}$/g, '')).sort()).toEqual(names.sort());
    for (const [id, { Properties }] of ours) {
      expect(Properties['AlarmActions'], id).toHaveLength(1);
      expect(Properties['OKActions'], id).toHaveLength(1);
      expect(String(Properties['AlarmDescription']).length, id).toBeGreaterThan(20);
    }
    expect(only('AWS::SNS::Topic')['KmsMasterKeyId']).toBeDefined();
  });

  it('lets the alarms in: a topic policy replaces the one that would', () => {
    template.hasResourceProperties('AWS::SNS::TopicPolicy', {
      PolicyDocument: {
        Statement: Match.arrayWith([
          Match.objectLike({ Effect: 'Allow', Action: 'sns:Publish', Principal: { Service: 'cloudwatch.amazonaws.com' } }),
        ]),
      },
    });
  });

  it('notifies the configured address', () => {
    const { template: told } = synthesise({ stage: 'prod', alarmEmail: 'oncall@example.com' });
    told.hasResourceProperties('AWS::SNS::Subscription', { Protocol: 'email', Endpoint: 'oncall@example.com' });
  });

  it('ends every log after its days', () => {
    for (const [id, { Properties }] of resources('AWS::Logs::LogGroup'))
      expect(Properties['RetentionInDays'], id).toBe(SIZES.prod.logDays);
  });

  it('cannot be deleted with one command', () => {
    expect(only('AWS::ElasticLoadBalancingV2::LoadBalancer')['LoadBalancerAttributes']).toContainEqual({
      Key: 'deletion_protection.enabled',
      Value: 'true',
    });
  });

  it('is made of these', () => {
    const counts: Record<string, number> = {};
    for (const { Type } of Object.values(template.toJSON()['Resources'] as Record<string, Resource>)) {
      if (!/^AWS::(EC2|IAM|Logs|CDK|Lambda)::/.test(Type)) counts[Type] = (counts[Type] ?? 0) + 1;
    }
    expect(counts).toMatchSnapshot();
  });
});
