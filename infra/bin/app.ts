import { App, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { acknowledgeFindings } from '../src/acknowledged.js';
import { RevenueFlowStack } from '../src/revenueflow-stack.js';
import { settingsOf } from '../src/settings.js';

const app = new App();
// No account and no region: the template is the same everywhere, and synth makes no calls.
const settings = settingsOf((name) => app.node.tryGetContext(name) as unknown);
acknowledgeFindings(new RevenueFlowStack(app, settings), settings);
Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
