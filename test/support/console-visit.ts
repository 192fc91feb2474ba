/** A visitor of the console, who keeps the session cookie and submits forms as the pages have them. */
export class ConsoleVisit {
  private cookie = '';

  constructor(private readonly url: string) {}

  async signIn(token: string): Promise<Response> {
    const answer = await this.send('/console/login', new URLSearchParams({ token, next: '/console/leads' }));
    this.cookie = (answer.headers.get('set-cookie') ?? '').split(';')[0]!;
    return answer;
  }

  get(path: string): Promise<Response> {
    return fetch(`${this.url}${path}`, { headers: { cookie: this.cookie }, redirect: 'manual' });
  }

  async html(path: string): Promise<string> {
    return (await this.get(path)).text();
  }

  /** Submits the page's form with this action, with `fields` replacing its values. */
  async submit(path: string, action: string, fields: Record<string, string> = {}): Promise<Response> {
    const form = formsOf(await this.html(path)).find((candidate) => candidate.action === action);
    if (!form) throw new Error(`${path} has no form ${action}`);
    return this.post(action, { ...form.fields, ...fields });
  }

  post(path: string, fields: Record<string, string>, site = 'same-origin'): Promise<Response> {
    return this.send(path, new URLSearchParams(fields), site);
  }

  private send(path: string, body: URLSearchParams, site = 'same-origin'): Promise<Response> {
    const headers = { cookie: this.cookie, 'sec-fetch-site': site };
    return fetch(`${this.url}${path}`, { method: 'POST', body, headers, redirect: 'manual' });
  }
}

export interface Form {
  method: string;
  action: string;
  fields: Record<string, string>;
}

/**
 * The forms of a page with the values of their inputs. One renderer makes all pages, so their attributes are regular.
 */
export function formsOf(html: string): Form[] {
  return [...html.matchAll(/<form ([^>]*)>(.*?)<\/form>/gs)].map(([, attributes, body]) => ({
    method: attributeOf(attributes!, 'method') ?? 'get',
    action: attributeOf(attributes!, 'action') ?? '',
    fields: Object.fromEntries(
      [...body!.matchAll(/<input ((?:[^>"]|"[^"]*")*)>/g)].map(([, input]) => [
        attributeOf(input!, 'name') ?? '',
        unescaped(attributeOf(input!, 'value') ?? ''),
      ]),
    ),
  }));
}

function attributeOf(attributes: string, name: string): string | null {
  return new RegExp(`(?:^|\\s)${name}="([^"]*)"`).exec(attributes)?.[1] ?? null;
}

function unescaped(text: string): string {
  return text.replaceAll('&quot;', '"').replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');
}
