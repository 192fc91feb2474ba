import { App, Validations } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { AwsSolutionsChecks } from 'cdk-nag';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { acknowledgeFindings } from '../src/acknowledged.js';
import { RevenueFlowStack } from '../src/revenueflow-stack.js';
import { settingsOf, type Settings } from '../src/settings.js';

export const CERTIFICATE = 'arn:aws:acm:us-east-1:111122223333:certificate/of-a-test';
const FLAGS = (JSON.parse(readFileSync(join(import.meta.dirname, '../cdk.json'), 'utf8')) as { context: Record<string, unknown> })
  .context;

export interface Finding {
  id: string;
  path: string;
}

/**
 * Synthesises a stage as `cdk synth` would, without an account, a region or a network.
 * @throws the findings of cdk-nag and of the template's validation that are not acknowledged.
 */
export function synthesise(context: Record<string, string>): { template: Template; settings: Settings } {
  return withApp(context, (app, settings) => {
    const stack = new RevenueFlowStack(app, settings);
    acknowledgeFindings(stack, settings);
    app.synth();
    return { template: Template.fromStack(stack), settings };
  });
}

/** What cdk-nag and the validation find where nothing is acknowledged. */
export function findingsOf(context: Record<string, string>): { findings: Finding[]; settings: Settings } {
  return withApp(context, (app, settings, outdir) => {
    new RevenueFlowStack(app, settings);
    try {
      app.synth();
    } catch (error) {
      if ((error as Error).name !== 'ValidationFailed') throw error;
    }
    return { findings: findingsIn(outdir), settings };
  });
}

function withApp<T>(context: Record<string, string>, use: (app: App, settings: Settings, outdir: string) => T): T {
  const outdir = mkdtempSync(join(tmpdir(), 'revenueflow-infra-'));
  try {
    const app = new App({ outdir, context: { ...FLAGS, certificateArn: CERTIFICATE, ...context } });
    Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
    return use(
      app,
      settingsOf((name) => app.node.tryGetContext(name) as unknown),
      outdir,
    );
  } finally {
    rmSync(outdir, { recursive: true, force: true });
  }
}

function findingsIn(outdir: string): Finding[] {
  const file = join(outdir, 'validation-report.json');
  if (!existsSync(file)) return [];
  const { pluginReports } = JSON.parse(readFileSync(file, 'utf8')) as {
    pluginReports: { pluginName: string; violations: { ruleName: string; violatingConstructs: { constructPath: string }[] }[] }[];
  };
  return pluginReports.flatMap(({ pluginName, violations }) =>
    violations.flatMap(({ ruleName, violatingConstructs }) =>
      violatingConstructs.map(({ constructPath }) => ({ id: `${pluginName}::${ruleName}`, path: constructPath })),
    ),
  );
}
