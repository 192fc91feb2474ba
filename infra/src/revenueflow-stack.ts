import { CfnOutput, Duration, RemovalPolicy, Stack, Tags } from 'aws-cdk-lib';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import type { Construct } from 'constructs';
import { Alarms } from './alarms.js';
import { Edge } from './edge.js';
import { ServiceMetrics } from './metrics.js';
import { Migration } from './migration.js';
import { Network } from './network.js';
import { Rotation } from './rotation.js';
import { scale } from './scaling.js';
import { Secrets } from './secrets.js';
import { Services } from './services.js';
import type { Settings } from './settings.js';
import { Stores } from './stores.js';

/** A whole stage as one stack, so that a failed deployment is rolled back as a whole. */
export class RevenueFlowStack extends Stack {
  constructor(scope: Construct, settings: Settings) {
    const { stage, size } = settings;
    super(scope, `RevenueFlow-${stage}`, { terminationProtection: size.keep, description: `RevenueFlow AI, ${stage}` });
    Tags.of(this).add('service', 'revenueflow-ai');
    Tags.of(this).add('stage', stage);

    const key = this.key(settings);
    const network = new Network(this, settings, key);
    const stores = new Stores(this, settings, network, key);
    const secrets = new Secrets(this, stores, key);
    const metrics = new ServiceMetrics(`RevenueFlow/${stage}`);
    const services = new Services(this, { settings, network, stores, secrets, key, namespace: metrics.namespace });
    new Migration(this, settings, network, services, key);
    const edge = new Edge(this, settings, network, services.api);
    scale(settings, services, edge, metrics);

    const topic = new Topic(this, 'Topic', { displayName: `RevenueFlow ${stage}`, masterKey: key, enforceSSL: true });
    // This policy replaces the default one, so it has to allow alarms.
    topic.addToResourcePolicy(
      new PolicyStatement({
        principals: [new ServicePrincipal('cloudwatch.amazonaws.com')],
        actions: ['sns:Publish'],
        resources: [topic.topicArn],
        conditions: { StringEquals: { 'aws:SourceAccount': this.account } },
      }),
    );
    if (settings.alarmEmail) topic.addSubscription(new EmailSubscription(settings.alarmEmail));
    const rotation = new Rotation(this, settings, secrets, services, topic, key);
    new Alarms(this, { settings, metrics, services, stores, edge, rotation, topic });

    new CfnOutput(this, 'Url', {
      value: 'domainName' in settings.tls ? `https://${settings.tls.domainName}` : `https://${edge.balancer.loadBalancerDnsName}`,
    });
    new CfnOutput(this, 'WebhookSecrets', {
      value: secrets.webhooks.secretName,
      description: 'The secret whose first value goes into Marketo',
    });
  }

  /** One key for everything at rest: stores, secrets, logs, alarms. */
  private key({ size }: Settings): Key {
    const key = new Key(this, 'Key', {
      description: 'RevenueFlow AI at rest',
      enableKeyRotation: true,
      pendingWindow: Duration.days(size.keep ? 30 : 7),
      removalPolicy: size.keep ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
    });
    const logs = new ServicePrincipal(`logs.${this.region}.amazonaws.com`);
    key.grantEncryptDecrypt(logs);
    key.grant(logs, 'kms:DescribeKey');
    key.grantEncryptDecrypt(new ServicePrincipal('cloudwatch.amazonaws.com')); // alarms that write to the topic
    return key;
  }
}
