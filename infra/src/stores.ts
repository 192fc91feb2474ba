import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as elasticache from 'aws-cdk-lib/aws-elasticache';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import * as rds from 'aws-cdk-lib/aws-rds';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import type { Network } from './network.js';
import type { Settings } from './settings.js';

const DATABASE = 'revenueflow';
const STORES = { subnetType: ec2.SubnetType.PRIVATE_ISOLATED };

/** PostgreSQL is the source of truth; Valkey can be rebuilt from it. Only PostgreSQL's data must survive. */
export class Stores extends Construct {
  readonly database: rds.DatabaseInstance;
  readonly cache: elasticache.CfnReplicationGroup;
  readonly cacheToken: Secret;
  /** Without the password: node-postgres takes it from PGPASSWORD, so no second secret has to follow the first. */
  readonly databaseUrl: string;
  /** The host and port of the cache's primary; it is a name that a failover moves. */
  readonly cacheAddress: string;

  constructor(scope: Construct, settings: Settings, network: Network, key: IKey) {
    super(scope, 'Stores');
    this.database = this.makeDatabase(settings, network, key);
    this.databaseUrl = `postgres://${DATABASE}@${this.database.dbInstanceEndpointAddress}:5432/${DATABASE}?sslmode=verify-full`;
    this.cacheToken = new Secret(this, 'CacheToken', {
      description: 'The AUTH token of Valkey',
      encryptionKey: key,
      generateSecretString: { passwordLength: 64, excludePunctuation: true },
    });
    this.cache = this.makeCache(settings, network, key);
    this.cacheAddress = `${this.cache.attrPrimaryEndPointAddress}:6379`;
  }

  private makeDatabase({ size: { database, keep } }: Settings, network: Network, key: IKey): rds.DatabaseInstance {
    const engine = rds.DatabaseInstanceEngine.postgres({ version: rds.PostgresEngineVersion.VER_18 });
    const parameterGroup = new rds.ParameterGroup(this, 'Parameters', {
      engine,
      parameters: {
        // A 2xx means that the lead is on disk, with Multi-AZ on the standby's too. The default, set explicitly.
        synchronous_commit: 'on',
        'rds.force_ssl': '1',
        max_connections: String(database.maxConnections),
        // Statements are not logged, because they contain personal data.
        log_min_error_statement: 'panic',
      },
    });
    return new rds.DatabaseInstance(this, 'Database', {
      engine,
      parameterGroup,
      instanceType: new ec2.InstanceType(database.instance),
      vpc: network.vpc,
      vpcSubnets: STORES,
      securityGroups: [network.stores],
      credentials: rds.Credentials.fromGeneratedSecret(DATABASE, {
        encryptionKey: key,
        excludeCharacters: ' %+~`#$&*()|[]{}:;<>?!\'/@"\\',
      }),
      databaseName: DATABASE,
      multiAz: database.multiAz,
      storageType: rds.StorageType.GP3,
      allocatedStorage: database.storageGb,
      maxAllocatedStorage: database.maxStorageGb,
      storageEncrypted: true,
      storageEncryptionKey: key,
      // Automated backups are point-in-time recovery: to any second of so many days.
      backupRetention: Duration.days(database.backupDays),
      deleteAutomatedBackups: !keep,
      copyTagsToSnapshot: true,
      autoMinorVersionUpgrade: true,
      caCertificate: rds.CaCertificate.RDS_CA_RSA2048_G1,
      enablePerformanceInsights: true,
      performanceInsightEncryptionKey: key,
      deletionProtection: keep,
      removalPolicy: keep ? RemovalPolicy.SNAPSHOT : RemovalPolicy.DESTROY,
    });
  }

  private makeCache({ size: { cache, keep } }: Settings, network: Network, key: IKey): elasticache.CfnReplicationGroup {
    const subnets = new elasticache.CfnSubnetGroup(this, 'CacheSubnets', {
      description: 'Where Valkey runs',
      subnetIds: network.vpc.selectSubnets(STORES).subnetIds,
    });
    const parameters = new elasticache.CfnParameterGroup(this, 'CacheParameters', {
      cacheParameterGroupFamily: 'valkey8',
      description: 'Jobs must never be evicted: a full Valkey refuses writes, and the sweeper enqueues those jobs later',
      properties: { 'maxmemory-policy': 'noeviction' },
    });
    const group = new elasticache.CfnReplicationGroup(this, 'Cache', {
      replicationGroupDescription: 'The queues of RevenueFlow AI',
      engine: 'valkey',
      engineVersion: '8.0',
      // Nodes, not Serverless: BullMQ's scripts and its blocking commands are not for Serverless.
      cacheNodeType: cache.node,
      numCacheClusters: 1 + cache.replicas,
      automaticFailoverEnabled: cache.replicas > 0,
      multiAzEnabled: cache.replicas > 0,
      cacheSubnetGroupName: subnets.ref,
      cacheParameterGroupName: parameters.ref,
      securityGroupIds: [network.stores.securityGroupId],
      transitEncryptionEnabled: true,
      transitEncryptionMode: 'required',
      atRestEncryptionEnabled: true,
      kmsKeyId: key.keyArn,
      authToken: this.cacheToken.secretValue.unsafeUnwrap(),
      snapshotRetentionLimit: cache.snapshotDays,
      autoMinorVersionUpgrade: true,
    });
    group.applyRemovalPolicy(keep ? RemovalPolicy.SNAPSHOT : RemovalPolicy.DESTROY);
    return group;
  }
}
