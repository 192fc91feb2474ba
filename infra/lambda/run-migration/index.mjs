import { DescribeTasksCommand, ECSClient, RunTaskCommand } from '@aws-sdk/client-ecs';
import { runMigration } from './run-migration.mjs';

const ecs = new ECSClient();
const { CLUSTER: cluster, SUBNETS = '', SECURITY_GROUP = '' } = process.env;
const LEAVE_MS = 30_000;
const PAUSE_MS = 3000;

/**
 * @param {{ RequestType: string, ResourceProperties: { TaskDefinition: string } }} event
 * @param {{ getRemainingTimeInMillis(): number }} context
 */
export function handler(event, context) {
  return runMigration(event, {
    async start() {
      const { tasks = [], failures = [] } = await ecs.send(
        new RunTaskCommand({
          cluster,
          taskDefinition: event.ResourceProperties.TaskDefinition,
          launchType: 'FARGATE',
          networkConfiguration: { awsvpcConfiguration: { subnets: SUBNETS.split(','), securityGroups: [SECURITY_GROUP] } },
        }),
      );
      const arn = tasks[0]?.taskArn;
      if (!arn) throw new Error(`The migration could not be started: ${failures[0]?.reason ?? 'no reason given'}.`);
      return arn;
    },
    async look(task) {
      const { tasks = [] } = await ecs.send(new DescribeTasksCommand({ cluster, tasks: [task] }));
      const [found] = tasks;
      const container = found?.containers?.find(({ name }) => name === 'service');
      const reason = container?.reason ?? found?.stoppedReason;
      return {
        stopped: found?.lastStatus === 'STOPPED',
        ...(container?.exitCode === undefined ? {} : { exitCode: container.exitCode }),
        ...(reason === undefined ? {} : { reason }),
      };
    },
    pause: () => new Promise((resolve) => setTimeout(resolve, PAUSE_MS)),
    outOfTime: () => context.getRemainingTimeInMillis() < LEAVE_MS,
  });
}
