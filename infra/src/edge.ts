import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import { Certificate, CertificateValidation, type ICertificate } from 'aws-cdk-lib/aws-certificatemanager';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import type { FargateService } from 'aws-cdk-lib/aws-ecs';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import * as elb from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import { ARecord, HostedZone, RecordTarget } from 'aws-cdk-lib/aws-route53';
import { LoadBalancerTarget } from 'aws-cdk-lib/aws-route53-targets';
import { BlockPublicAccess, Bucket, BucketEncryption } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import type { Network } from './network.js';
import type { Settings } from './settings.js';
import { PORT } from './task.js';
import { Firewall } from './firewall.js';

/** TLS, the firewall, and the paths that are reachable from outside. /metrics is never among them. */
export class Edge extends Construct {
  readonly balancer: elb.ApplicationLoadBalancer;
  readonly targets: elb.ApplicationTargetGroup;
  readonly firewall: Firewall;

  constructor(scope: Construct, settings: Settings, network: Network, api: FargateService) {
    super(scope, 'Edge');
    this.balancer = new elb.ApplicationLoadBalancer(this, 'Balancer', {
      vpc: network.vpc,
      internetFacing: true,
      securityGroup: network.balancer,
      dropInvalidHeaderFields: true,
      deletionProtection: settings.size.keep,
      // Below the service's keep-alive of 65 s: otherwise the load balancer could send requests on closed connections.
      idleTimeout: Duration.seconds(60),
    });
    this.writeAccessLogs(settings);

    this.targets = new elb.ApplicationTargetGroup(this, 'Api', {
      vpc: network.vpc,
      port: PORT,
      protocol: elb.ApplicationProtocol.HTTP,
      targets: [api.loadBalancerTarget({ containerName: 'service', containerPort: PORT })],
      // Liveness, not readiness: while PostgreSQL is down every api answers 503, and replacing them would not help.
      healthCheck: {
        path: '/health/live',
        interval: Duration.seconds(10),
        timeout: Duration.seconds(5),
        healthyThresholdCount: 2,
      },
      deregistrationDelay: Duration.seconds(30),
    });
    network.api.addIngressRule(network.balancer, ec2.Port.tcp(PORT), 'The load balancer');
    network.balancer.addEgressRule(network.api, ec2.Port.tcp(PORT), 'The api tasks');

    const https = this.balancer.addListener('Https', {
      port: 443,
      certificates: [this.certificate(settings)],
      sslPolicy: elb.SslPolicy.RECOMMENDED_TLS,
      defaultAction: elb.ListenerAction.fixedResponse(404, { contentType: 'application/json', messageBody: '{"status":404}' }),
    });
    https.addAction('Webhooks', {
      priority: 10,
      conditions: [elb.ListenerCondition.pathPatterns(['/leads', '/health/ready'])],
      action: elb.ListenerAction.forward([this.targets]),
    });
    // A rule takes five values at most. The firewall checks the addresses of /leads, so these are the operators' only.
    if (settings.opsCidrs.length > 0) {
      https.addAction('Operations', {
        priority: 20,
        conditions: [elb.ListenerCondition.pathPatterns(['/ops/*']), elb.ListenerCondition.sourceIps(settings.opsCidrs)],
        action: elb.ListenerAction.forward([this.targets]),
      });
    }
    this.balancer.addListener('Http', {
      port: 80,
      defaultAction: elb.ListenerAction.redirect({ protocol: 'HTTPS', port: '443', permanent: true }),
    });
    this.firewall = new Firewall(this, settings, this.balancer.loadBalancerArn);
  }

  private certificate({ tls }: Settings): ICertificate {
    if ('certificateArn' in tls) return Certificate.fromCertificateArn(this, 'Certificate', tls.certificateArn);
    const zone = HostedZone.fromHostedZoneAttributes(this, 'Zone', { hostedZoneId: tls.hostedZoneId, zoneName: tls.zoneName });
    const target = RecordTarget.fromAlias(new LoadBalancerTarget(this.balancer));
    new ARecord(this, 'Record', { zone, recordName: `${tls.domainName}.`, target });
    return new Certificate(this, 'Certificate', { domainName: tls.domainName, validation: CertificateValidation.fromDns(zone) });
  }

  private writeAccessLogs({ size }: Settings): void {
    const bucket = new Bucket(this, 'AccessLogs', {
      // Load balancers can write with S3's own key only.
      encryption: BucketEncryption.S3_MANAGED,
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      enforceSSL: true,
      lifecycleRules: [{ expiration: Duration.days(size.logDays) }],
      removalPolicy: size.keep ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
    });
    // By the service principal, which is the same in every region; CDK's own way needs to know the region.
    const writer = new ServicePrincipal('logdelivery.elasticloadbalancing.amazonaws.com');
    bucket.addToResourcePolicy(
      new PolicyStatement({ principals: [writer], actions: ['s3:PutObject'], resources: [bucket.arnForObjects('AWSLogs/*')] }),
    );
    this.balancer.setAttribute('access_logs.s3.enabled', 'true');
    this.balancer.setAttribute('access_logs.s3.bucket', bucket.bucketName);
    this.balancer.node.addDependency(bucket.policy!);
  }
}
