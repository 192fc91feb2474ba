import { RemovalPolicy } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import type { Settings } from './settings.js';

/**
 * Two zones. The load balancer is in public subnets, the service in private ones (NAT to Salesforce and Gemini), and
 * the stores are in isolated ones without a route to the internet.
 */
export class Network extends Construct {
  readonly vpc: ec2.Vpc;
  readonly balancer: ec2.SecurityGroup;
  readonly api: ec2.SecurityGroup;
  readonly worker: ec2.SecurityGroup;
  readonly stores: ec2.SecurityGroup;

  constructor(scope: Construct, { size }: Settings, key: IKey) {
    super(scope, 'Network');
    const flows = new LogGroup(this, 'FlowLog', {
      retention: size.logDays,
      encryptionKey: key,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    this.vpc = new ec2.Vpc(this, 'Vpc', {
      maxAzs: 2,
      natGateways: size.natGateways,
      subnetConfiguration: [
        { name: 'public', subnetType: ec2.SubnetType.PUBLIC, cidrMask: 24, mapPublicIpOnLaunch: false },
        { name: 'service', subnetType: ec2.SubnetType.PRIVATE_WITH_EGRESS, cidrMask: 22 },
        { name: 'stores', subnetType: ec2.SubnetType.PRIVATE_ISOLATED, cidrMask: 24 },
      ],
      flowLogs: { all: { destination: ec2.FlowLogDestination.toCloudWatchLogs(flows) } },
      gatewayEndpoints: { S3: { service: ec2.GatewayVpcEndpointAwsService.S3 } },
    });
    const group = (id: string, description: string, allowAllOutbound: boolean) =>
      new ec2.SecurityGroup(this, id, { vpc: this.vpc, description, allowAllOutbound });
    this.balancer = group('Balancer', 'The load balancer', false);
    this.api = group('Api', 'The api tasks', true);
    this.worker = group('Worker', 'The worker tasks and the migration', true);
    this.stores = group('Stores', 'PostgreSQL and Valkey', false);
    for (const task of [this.api, this.worker]) {
      this.stores.addIngressRule(task, ec2.Port.tcp(5432), 'PostgreSQL');
      this.stores.addIngressRule(task, ec2.Port.tcp(6379), 'Valkey');
    }
    if (size.bedrockEndpoint) {
      const endpoint = this.vpc.addInterfaceEndpoint('Bedrock', {
        service: ec2.InterfaceVpcEndpointAwsService.BEDROCK_RUNTIME,
        open: false,
      });
      endpoint.connections.allowFrom(this.worker, ec2.Port.tcp(443), 'Scoring');
    }
  }
}
