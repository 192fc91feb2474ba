import { ArnFormat, Names, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import * as waf from 'aws-cdk-lib/aws-wafv2';
import { Construct } from 'constructs';
import type { Settings } from './settings.js';

/**
 * Content-Length above 64 KiB, which the service answers 413. Behind a load balancer, WAF sees only 8 KiB of a body.
 */
const TOO_LONG = '^(6553[7-9]|655[4-9][0-9]|65[6-9][0-9]{2}|6[6-9][0-9]{3}|[7-9][0-9]{4}|[0-9]{6,})$';
const WITHOUT_A_SECRET_IN_FIVE_MINUTES = 300;

/**
 * Blocks what need not reach the service. There are no rules on content, because text in a form is data, also if it
 * looks like an attack.
 */
export class Firewall extends Construct {
  readonly acl: waf.CfnWebACL;

  constructor(scope: Construct, { marketoCidrs, opsCidrs, rateLimit, size }: Settings, balancerArn: string) {
    super(scope, 'Firewall');
    const rules: (Omit<waf.CfnWebACL.RuleProperty, 'priority' | 'visibilityConfig' | 'action'> & { name: string })[] = [
      { name: 'too-long', statement: { regexMatchStatement: { ...headerField('content-length'), regexString: TOO_LONG } } },
      {
        name: 'no-secret-too-often',
        statement: {
          rateBasedStatement: {
            limit: WITHOUT_A_SECRET_IN_FIVE_MINUTES,
            aggregateKeyType: 'IP',
            scopeDownStatement: { andStatement: { statements: ['x-webhook-secret', 'authorization'].map(lacks) } },
          },
        },
      },
      { name: 'too-often', statement: { rateBasedStatement: { limit: rateLimit, aggregateKeyType: 'IP' } } },
    ];
    if (marketoCidrs.length > 0) {
      rules.unshift({ name: 'not-marketo', statement: this.noneOf([...marketoCidrs, ...opsCidrs]) });
    }
    this.acl = new waf.CfnWebACL(this, 'Acl', {
      scope: 'REGIONAL',
      defaultAction: { allow: {} },
      visibilityConfig: seen('all'),
      rules: rules.map((rule, priority) => ({ ...rule, priority, action: { block: {} }, visibilityConfig: seen(rule.name) })),
    });
    new waf.CfnWebACLAssociation(this, 'Association', { resourceArn: balancerArn, webAclArn: this.acl.attrArn });

    const log = new LogGroup(this, 'Log', {
      // WAF writes to groups of this prefix only.
      logGroupName: `aws-waf-logs-${Names.uniqueResourceName(this, { maxLength: 60, separator: '-' }).toLowerCase()}`,
      retention: size.logDays,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    new waf.CfnLoggingConfiguration(this, 'Logging', {
      resourceArn: this.acl.attrArn,
      logDestinationConfigs: [
        Stack.of(this).formatArn({
          service: 'logs',
          resource: 'log-group',
          resourceName: log.logGroupName,
          arnFormat: ArnFormat.COLON_RESOURCE_NAME,
        }),
      ],
      redactedFields: ['authorization', 'x-webhook-secret'].map((name) => ({ singleHeader: { Name: name } })),
    });
  }

  private noneOf(addresses: string[]): waf.CfnWebACL.StatementProperty {
    const set = new waf.CfnIPSet(this, 'Allowed', { scope: 'REGIONAL', ipAddressVersion: 'IPV4', addresses });
    return { notStatement: { statement: { ipSetReferenceStatement: { arn: set.attrArn } } } };
  }
}

const headerField = (name: string) => ({
  fieldToMatch: { singleHeader: { Name: name } },
  textTransformations: [{ priority: 0, type: 'NONE' }],
});

/** True for a request without this header: a size can only be compared where there is something to compare. */
function lacks(name: string): waf.CfnWebACL.StatementProperty {
  return {
    notStatement: { statement: { sizeConstraintStatement: { ...headerField(name), comparisonOperator: 'GE', size: 1 } } },
  };
}

function seen(name: string): waf.CfnWebACL.VisibilityConfigProperty {
  return { metricName: `revenueflow-${name}`, cloudWatchMetricsEnabled: true, sampledRequestsEnabled: false };
}
