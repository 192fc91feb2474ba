import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { Code, Function as Lambda, Runtime } from 'aws-cdk-lib/aws-lambda';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import { join } from 'node:path';
import { lambdaRole } from './lambda-role.js';
import { ROTATE_EVERY, type Secrets } from './secrets.js';
import type { Services } from './services.js';
import type { Settings } from './settings.js';

/**
 * A new webhook secret each quarter. The previous one stays valid until the next rotation, to leave time to change
 * Marketo.
 */
export class Rotation extends Construct {
  readonly lambda: Lambda;

  constructor(scope: Construct, { size }: Settings, { webhooks }: Secrets, { cluster, api }: Services, topic: ITopic, key: IKey) {
    super(scope, 'Rotation');
    const logGroup = new LogGroup(this, 'Log', {
      retention: size.logDays,
      encryptionKey: key,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    this.lambda = new Lambda(this, 'Lambda', {
      runtime: Runtime.NODEJS_24_X,
      code: Code.fromAsset(join(import.meta.dirname, '../lambda/rotate-webhook-secret')),
      handler: 'index.handler',
      timeout: Duration.seconds(30),
      logGroup,
      role: lambdaRole(this, 'Role', logGroup),
      environment: { CLUSTER: cluster.clusterName, SERVICE: api.serviceName, TOPIC: topic.topicArn },
    });
    this.lambda.addToRolePolicy(new PolicyStatement({ actions: ['ecs:UpdateService'], resources: [api.serviceArn] }));
    topic.grantPublish(this.lambda);
    webhooks.addRotationSchedule('Schedule', {
      rotationLambda: this.lambda,
      automaticallyAfter: ROTATE_EVERY,
      // Not during the stack's creation: the api that it restarts may not exist yet.
      rotateImmediatelyOnUpdate: false,
    });
  }
}
