import type { IncomingMessage, ServerResponse } from 'node:http';

/** `cut`: the connection ends in the middle of the body. */
export type Answer = { status: number; body: unknown; type?: string; contentRange?: string | null; cut?: boolean };

export function send(
  response: ServerResponse,
  { status, body, type = 'application/json;charset=UTF-8', contentRange, cut }: Answer,
): void {
  response.writeHead(status, { 'content-type': type, ...(contentRange ? { 'content-range': contentRange } : {}) });
  if (cut) return void response.write((body as Buffer).subarray(0, (body as Buffer).length / 2), () => response.destroy());
  response.end(typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body));
}

export async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

/** Text that is no JSON stays as it is. */
export function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
