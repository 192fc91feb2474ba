import { z } from 'zod';
import type { CrmCheckLine } from '../port.js';
import type { SalesforceClient } from './client.js';
import type { FieldMap } from './field-map.js';
import { sameLabel, type MemberStatuses, type MemberStatus } from './member-statuses.js';
import { queryTogether } from './queries.js';
import { recordIdSchema } from './record-id.js';

export interface StatusTools {
  client: SalesforceClient;
  apiVersion: string;
  map: FieldMap;
  campaignMap: Record<string, string>;
  statuses: MemberStatuses;
}

const CAMPAIGNS_CHECKED = 200;
const LINES_AT_MOST = 20;

/** Campaigns that lack a mapped member status: Salesforce saves its default instead, without an error. */
export async function memberStatusLines(tools: StatusTools, byKey: boolean): Promise<CrmCheckLine[]> {
  const wanted = mappedStatuses(tools.map);
  if (wanted.length === 0) return [];
  const keyed = byKey ? await keyedCampaigns(tools) : [];
  const campaigns = [...new Set([...Object.values(tools.campaignMap), ...keyed])].slice(0, CAMPAIGNS_CHECKED);
  if (campaigns.length === 0) return [];
  const from = wanted.map((label) => `"${label}"`).join(' or ');
  const statuses = await tools.statuses.of(campaigns);
  const lines = campaigns.flatMap((id): CrmCheckLine[] => {
    const problem = lackOf(wanted, statuses.get(id) ?? []);
    return problem ? [{ subject: `Campaign ${id}`, from, verdict: 'warning', detail: problem }] : [];
  });
  if (lines.length === 0) {
    const detail = `${campaigns.length} campaign(s) have the mapped member statuses`;
    return [{ subject: 'CampaignMember.Status', from, verdict: 'ok', detail }];
  }
  const more = lines.length - LINES_AT_MOST;
  const rest: CrmCheckLine = {
    subject: 'Campaigns',
    from,
    verdict: 'warning',
    detail: `${more} more lack a mapped member status`,
  };
  return more > 0 ? [...lines.slice(0, LINES_AT_MOST), rest] : lines;
}

function lackOf(wanted: string[], statuses: MemberStatus[]): string | null {
  const missing = wanted.filter((label) => !statuses.some((status) => sameLabel(status.Label, label)));
  if (missing.length === 0) return null;
  const instead = statuses.find(({ IsDefault }) => IsDefault)?.Label ?? 'the default';
  return `has no member status ${missing.map((label) => `"${label}"`).join(', ')}: Salesforce saves "${instead}" instead`;
}

function mappedStatuses(map: FieldMap): string[] {
  const rule = map.campaignMember.find(({ to }) => to === 'Status');
  if (!rule) return [];
  return [...new Set([...(rule.constant === undefined ? [] : [String(rule.constant)]), ...Object.values(rule.values ?? {})])];
}

async function keyedCampaigns({ client, apiVersion }: StatusTools): Promise<string[]> {
  const query = `SELECT Id FROM Campaign WHERE RF_Campaign_Key__c != null AND IsActive = true ORDER BY CreatedDate DESC LIMIT ${CAMPAIGNS_CHECKED}`;
  const [found = []] = await queryTogether(client, apiVersion, z.object({ Id: recordIdSchema }), [query]);
  return found.map(({ Id }) => Id);
}
