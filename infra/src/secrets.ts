import { Duration, SecretValue } from 'aws-cdk-lib';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import type { Stores } from './stores.js';

export const ROTATE_EVERY = Duration.days(90);

/** All secrets, each in the form that the service expects. Values are generated on AWS and are in no template. */
export class Secrets extends Construct {
  /** WEBHOOK_SECRETS: one at first, then always two, the newest first. */
  readonly webhooks: Secret;
  readonly redisUrl: Secret;
  readonly opsTokens: Secret;
  /** The secret of the collector's token among OPS_TOKENS. */
  readonly collectorToken: Secret;
  /** SALESFORCE_*: created with placeholders, to be filled in by the owner of the connected app. */
  readonly salesforce: Secret;

  constructor(scope: Construct, stores: Stores, key: IKey) {
    super(scope, 'Secrets');
    const make = (id: string, description: string) =>
      new Secret(this, id, {
        description,
        encryptionKey: key,
        generateSecretString: { passwordLength: 48, excludePunctuation: true },
      });
    // A reference that CloudFormation resolves when it creates the secret: the value is in no template and no log.
    const compose = (id: string, description: string, value: string) =>
      new Secret(this, id, { description, encryptionKey: key, secretStringValue: SecretValue.unsafePlainText(value) });

    this.webhooks = make('Webhooks', 'What Marketo sends as X-Webhook-Secret; two are valid at a time');
    this.collectorToken = make('CollectorToken', 'With which the collector reads /metrics');
    const operator = make('OperatorToken', 'With which the operators’ CLI acts');
    this.opsTokens = compose(
      'OpsTokens',
      'OPS_TOKENS, made of the operator’s and the collector’s',
      `operator:operator:${operator.secretValue.unsafeUnwrap()},collector:viewer:${this.collectorToken.secretValue.unsafeUnwrap()}`,
    );
    this.redisUrl = compose(
      'RedisUrl',
      'REDIS_URL, made of the AUTH token',
      `rediss://:${stores.cacheToken.secretValue.unsafeUnwrap()}@${stores.cacheAddress}`,
    );
    this.salesforce = new Secret(this, 'Salesforce', {
      description:
        'SALESFORCE_CLIENT_ID and SALESFORCE_CLIENT_SECRET of the connected app: fill them in before the first deployment of prod',
      encryptionKey: key,
      generateSecretString: {
        secretStringTemplate: JSON.stringify({ clientId: 'fill-me-in', loginUrl: 'https://login.salesforce.com' }),
        generateStringKey: 'clientSecret',
      },
    });
  }
}
