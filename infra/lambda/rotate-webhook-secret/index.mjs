import { ECSClient, UpdateServiceCommand } from '@aws-sdk/client-ecs';
import {
  DescribeSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  ResourceNotFoundException,
  SecretsManagerClient,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager';
import { PublishCommand, SNSClient } from '@aws-sdk/client-sns';
import { rotate } from './rotate.mjs';

const [secrets, ecs, sns] = [new SecretsManagerClient(), new ECSClient(), new SNSClient()];
const { CLUSTER, SERVICE, TOPIC } = process.env;

/** @param {{ Step: string, SecretId: string, ClientRequestToken: string }} event */
export async function handler(event) {
  const { SecretId } = event;
  await rotate(event, {
    async read(VersionStage, VersionId) {
      try {
        const { SecretString } = await secrets.send(new GetSecretValueCommand({ SecretId, VersionStage, VersionId }));
        return SecretString ?? null;
      } catch (error) {
        if (error instanceof ResourceNotFoundException) return null;
        throw error;
      }
    },
    async writePending(ClientRequestToken, SecretString) {
      await secrets.send(
        new PutSecretValueCommand({ SecretId, ClientRequestToken, SecretString, VersionStages: ['AWSPENDING'] }),
      );
    },
    async currentVersion() {
      const { VersionIdsToStages = {} } = await secrets.send(new DescribeSecretCommand({ SecretId }));
      const found = Object.entries(VersionIdsToStages).find(([, stages]) => stages.includes('AWSCURRENT'));
      if (!found) throw new Error('The secret has no current version.');
      return found[0];
    },
    async makeCurrent(MoveToVersionId, RemoveFromVersionId) {
      await secrets.send(
        new UpdateSecretVersionStageCommand({ SecretId, VersionStage: 'AWSCURRENT', MoveToVersionId, RemoveFromVersionId }),
      );
    },
    async restartApi() {
      await ecs.send(new UpdateServiceCommand({ cluster: CLUSTER, service: SERVICE, forceNewDeployment: true }));
    },
    async tell(Subject, Message) {
      await sns.send(new PublishCommand({ TopicArn: TOPIC, Subject, Message }));
    },
  });
}
