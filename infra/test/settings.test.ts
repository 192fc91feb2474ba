import { App, Stack } from 'aws-cdk-lib';
import { Match } from 'aws-cdk-lib/assertions';
import { describe, expect, it } from 'vitest';
import { mayInvoke } from '../src/bedrock.js';
import { settingsOf } from '../src/settings.js';
import { CERTIFICATE, synthesise } from './synthesised.js';

const said = (context: Record<string, string>) => settingsOf((name) => context[name]);

describe('what -c says', () => {
  it('has a small dev and a prod with a standby of everything', () => {
    expect(said({ certificateArn: CERTIFICATE })).toMatchObject({
      stage: 'dev',
      crm: 'postgres',
      size: { database: { multiAz: false } },
    });
    const prod = said({ certificateArn: CERTIFICATE, stage: 'prod' });
    expect(prod).toMatchObject({ crm: 'salesforce', spool: 'off', size: { keep: true, database: { multiAz: true } } });
  });

  it.each([
    [{}, /no stage without TLS/],
    [{ certificateArn: CERTIFICATE, stage: 'production' }, /stage= must be one of dev, prod/],
    [{ certificateArn: CERTIFICATE, marketoCidrs: 'everywhere' }, /marketoCidrs= must list IPv4 ranges/],
    [{ certificateArn: CERTIFICATE, rateLimit: 'many' }, /rateLimit=/],
    [{ certificateArn: CERTIFICATE, set: 'AI_RATE_LIMIT=5' }, /of AI_CONCURRENCY.*; not AI_RATE_LIMIT=5/],
    [{ certificateArn: CERTIFICATE, set: 'CRM_BATCH_WINDOW_MS=5s' }, /NAME=number/],
  ])('says what is wrong with %j', (context, message) => {
    expect(() => said(context as unknown as Record<string, string>)).toThrow(message);
  });

  it('makes a certificate and a record for a name', () => {
    const tls = { certificateArn: '', domainName: 'leads.example.com', hostedZoneId: 'Z123', zoneName: 'example.com' };
    const { template } = synthesise(tls);
    template.hasResourceProperties('AWS::CertificateManager::Certificate', {
      DomainName: 'leads.example.com',
      ValidationMethod: 'DNS',
    });
    template.hasResourceProperties('AWS::Route53::RecordSet', { Name: 'leads.example.com.', Type: 'A' });
  });

  it('hands on what depends on the vendors’ limits', () => {
    const { template } = synthesise({ set: 'AI_RATE_LIMIT_PER_SECOND=100,CRM_BATCH_WINDOW_MS=5000' });
    for (const [Name, Value] of [
      ['AI_RATE_LIMIT_PER_SECOND', '100'],
      ['CRM_BATCH_WINDOW_MS', '5000'],
    ]) {
      template.hasResourceProperties('AWS::ECS::TaskDefinition', {
        Family: 'revenueflow-dev-worker',
        ContainerDefinitions: Match.arrayWith([Match.objectLike({ Environment: Match.arrayWith([{ Name, Value }]) })]),
      });
    }
  });

  it('takes an image that is there already', () => {
    const { template } = synthesise({ image: 'registry.example.com/revenueflow-ai@sha256:0' });
    expect(JSON.stringify(template.findResources('AWS::ECS::TaskDefinition'))).toContain(
      'registry.example.com/revenueflow-ai@sha256:0',
    );
  });
});

describe('an image of a registry of this account', () => {
  it('may be pulled by the tasks, and is named by its digest', () => {
    const digest = `sha256:${'a'.repeat(64)}`;
    const { template } = synthesise({ image: `111122223333.dkr.ecr.us-east-1.amazonaws.com/revenueflow-ai@${digest}` });
    expect(JSON.stringify(template.findResources('AWS::ECS::TaskDefinition'))).toContain(`@${digest}`);
    expect(JSON.stringify(template.findResources('AWS::IAM::Policy'))).toContain(
      'ecr:us-east-1:111122223333:repository/revenueflow-ai',
    );
  });
});

describe('the right to ask a model', () => {
  const stack = new Stack(new App(), 'Test');

  it('is that of the model in this region where there is no profile', () => {
    const [statement, ...others] = mayInvoke(stack, 'amazon.nova-lite-v1:0');
    expect(others).toEqual([]);
    expect(statement!.resources).toHaveLength(1);
    expect(statement!.resources[0]).toContain('foundation-model/amazon.nova-lite-v1:0');
  });

  it('is refused for a profile whose regions are not listed', () => {
    expect(() => mayInvoke(stack, 'apac.amazon.nova-lite-v1:0')).toThrow(/Add the regions of the inference profile apac/);
  });
});
