import { CustomResource, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { SubnetType } from 'aws-cdk-lib/aws-ec2';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { Code, Function as Lambda, Runtime } from 'aws-cdk-lib/aws-lambda';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { Provider } from 'aws-cdk-lib/custom-resources';
import { Construct } from 'constructs';
import { join } from 'node:path';
import { lambdaRole } from './lambda-role.js';
import type { Network } from './network.js';
import type { Services } from './services.js';
import type { Settings } from './settings.js';

/**
 * One task that migrates the schema. CloudFormation runs it whenever its definition changes, so with each new image
 * and before a service gets that image. Migrations only add (expand, contract later), so running and rolled-back
 * versions work.
 */
export class Migration extends Construct {
  constructor(scope: Construct, { size }: Settings, network: Network, { cluster, migration, api, worker }: Services, key: IKey) {
    super(scope, 'Migration');
    const log = (id: string) =>
      new LogGroup(this, id, { retention: size.logDays, encryptionKey: key, removalPolicy: RemovalPolicy.DESTROY });
    const [runnerLog, providerLog] = [log('RunnerLog'), log('ProviderLog')];
    const runner = new Lambda(this, 'Runner', {
      runtime: Runtime.NODEJS_24_X,
      code: Code.fromAsset(join(import.meta.dirname, '../lambda/run-migration')),
      handler: 'index.handler',
      timeout: Duration.minutes(15),
      logGroup: runnerLog,
      role: lambdaRole(this, 'RunnerRole', runnerLog),
      environment: {
        CLUSTER: cluster.clusterName,
        SUBNETS: network.vpc.selectSubnets({ subnetType: SubnetType.PRIVATE_WITH_EGRESS }).subnetIds.join(','),
        SECURITY_GROUP: network.worker.securityGroupId,
      },
    });
    const tasks = Stack.of(this).formatArn({ service: 'ecs', resource: 'task', resourceName: `${cluster.clusterName}/*` });
    runner.addToRolePolicy(new PolicyStatement({ actions: ['ecs:RunTask'], resources: [migration.taskDefinitionArn] }));
    runner.addToRolePolicy(new PolicyStatement({ actions: ['ecs:DescribeTasks'], resources: [tasks] }));
    runner.addToRolePolicy(
      new PolicyStatement({
        actions: ['iam:PassRole'],
        resources: [migration.taskRole.roleArn, migration.executionRole!.roleArn],
      }),
    );
    const provider = new Provider(this, 'Provider', {
      onEventHandler: runner,
      logGroup: providerLog,
      frameworkOnEventRole: lambdaRole(this, 'ProviderRole', providerLog),
    });
    const done = new CustomResource(this, 'Done', {
      resourceType: 'Custom::RevenueFlowMigration',
      serviceToken: provider.serviceToken,
      properties: { TaskDefinition: migration.taskDefinitionArn },
    });
    // The network too: without its routes and rules the first task could reach neither its image nor the database.
    done.node.addDependency(migration, network);
    for (const service of [api, worker]) service.node.addDependency(done);
  }
}
