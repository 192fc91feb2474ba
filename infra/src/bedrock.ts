import { Stack } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';

/** The regions to which an inference profile sends calls, by its prefix, as the vendor documents them. */
const REGIONS: Record<string, string[]> = {
  us: ['us-east-1', 'us-east-2', 'us-west-2'],
  eu: ['eu-central-1', 'eu-north-1', 'eu-south-1', 'eu-south-2', 'eu-west-1', 'eu-west-3'],
};

/**
 * The permission to call one model only. A profile (us.…, eu.…) needs its own permission, and that of the model in
 * each of its regions, restricted to calls through the profile.
 * @throws Error if the profile's regions are not listed here.
 */
export function mayInvoke(scope: Construct, modelId: string): PolicyStatement[] {
  const { partition, region, account } = Stack.of(scope);
  const actions = ['bedrock:InvokeModel'];
  const modelIn = (where: string, model: string) => `arn:${partition}:bedrock:${where}::foundation-model/${model}`;
  const [prefix, ...rest] = modelId.split('.') as [string, ...string[]];
  // vendor.model, or prefix.vendor.model
  if (!/^[a-z]{2,6}$/.test(prefix) || rest.length < 2)
    return [new PolicyStatement({ actions, resources: [modelIn(region, modelId)] })];
  const regions = REGIONS[prefix];
  if (!regions) throw new Error(`Add the regions of the inference profile ${prefix} to infra/src/bedrock.ts.`);
  const profile = `arn:${partition}:bedrock:${region}:${account}:inference-profile/${modelId}`;
  return [
    new PolicyStatement({ actions, resources: [profile] }),
    new PolicyStatement({
      actions,
      resources: regions.map((where) => modelIn(where, rest.join('.'))),
      conditions: { StringEquals: { 'bedrock:InferenceProfileArn': profile } },
    }),
  ];
}
