export interface FakeActivity {
  marketoGUID: string;
  leadId: number;
  activityDate: string;
  activityTypeId: number;
  campaignId: number | null;
  primaryAttributeValueId: number;
  primaryAttributeValue: string;
  attributes: { name: string; value: string }[];
  /** When the API shows it: some activities appear minutes late. */
  visibleAt: number;
}

export interface WebhookCall {
  personId: number;
  campaignId: number;
  at: number;
  /** Marketo's Error Type; absent where the call succeeded. */
  error?: string;
  response?: string;
  webhook?: { id: number; name: string };
  visibleAt?: number;
}

export const OUR_WEBHOOK = { id: 71, name: 'RevenueFlow' };

interface Token {
  since: number;
  index: number;
  /** The page, so that no token leads to itself; an empty page has its place in the log too. */
  page: number;
}

/** The activity log of an instance, read with paging tokens. */
export class Activities {
  readonly all: FakeActivity[] = [];
  /** Of activities/types.json; the id of Call Webhook is not the same in every instance of the fake. */
  types = [
    { id: 2, name: 'Fill Out Form', primaryAttribute: { name: 'Webform ID', dataType: 'integer' }, attributes: [] },
    {
      id: 110,
      name: 'Call Webhook',
      primaryAttribute: { name: 'Webhook', dataType: 'integer' },
      attributes: [
        { name: 'Error Type', dataType: 'string' },
        { name: 'Response', dataType: 'text' },
      ],
    },
  ];
  /** Every so many pages one is empty although more is to come; 0: none. */
  emptyEvery = 0;
  /** Pages say that more is to come, and lead to themselves. */
  stuck = false;
  private pages = 0;

  constructor(private readonly now: () => number) {}

  webhookCalled({ personId, campaignId, at, error, response, webhook = OUR_WEBHOOK, visibleAt = at }: WebhookCall): void {
    const type = this.types.find(({ name }) => name === 'Call Webhook')!;
    const attributes = [
      ...(error === undefined ? [] : [{ name: 'Error Type', value: error }]),
      ...(response === undefined ? [] : [{ name: 'Response', value: response }]),
    ];
    this.all.push({
      marketoGUID: String(100_000 + this.all.length),
      leadId: personId,
      activityDate: new Date(at).toISOString().replace(/\.\d{3}Z$/, 'Z'),
      activityTypeId: type.id,
      campaignId,
      primaryAttributeValueId: webhook.id,
      primaryAttributeValue: webhook.name,
      attributes,
      visibleAt,
    });
  }

  tokenSince(since: number): string {
    return encode({ since, index: 0, page: 0 });
  }

  /** null where the token is none. */
  page(token: string, typeIds: number[], size: number) {
    const state = decode(token);
    if (!state) return null;
    const seen = this.all
      .filter((one) => one.visibleAt <= this.now() && typeIds.includes(one.activityTypeId))
      .filter((one) => Date.parse(one.activityDate) >= Math.floor(state.since / 1000) * 1000)
      .toSorted((a, b) => Date.parse(a.activityDate) - Date.parse(b.activityDate));
    this.pages++;
    const isEmpty = this.emptyEvery > 0 && this.pages % this.emptyEvery === 0;
    const items = isEmpty ? [] : seen.slice(state.index, state.index + size);
    const index = state.index + items.length;
    // Ids are not unique, and a caller must not rely on them.
    const result = items.map((activity) => ({ id: 1, ...activity, visibleAt: undefined }));
    if (this.stuck) return { result, nextPageToken: token, moreResult: true };
    return {
      result,
      nextPageToken: encode({ since: state.since, index, page: state.page + 1 }),
      moreResult: index < seen.length,
    };
  }
}

/** Real tokens are base 32 with `=`, so a caller that does not encode them fails here too. */
function encode(token: Token): string {
  return `${Buffer.from(JSON.stringify(token)).toString('base64')}==`;
}

function decode(text: string): Token | null {
  try {
    return JSON.parse(Buffer.from(text.replace(/=+$/, ''), 'base64').toString()) as Token;
  } catch {
    return null;
  }
}
