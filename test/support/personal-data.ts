/** Fields of a webhook with personal data. */
const PERSONAL = ['email', 'name', 'phone', 'message'];
/** Shorter values occur in texts by chance. */
const MEANINGFUL = 5;

/** Records the personal data that tests send, and searches the output of the service for it. */
export class PersonalData {
  private readonly sent = new Map<string, string>();

  remember(body: unknown): void {
    const fields = typeof body === 'string' ? parsed(body) : body;
    if (typeof fields !== 'object' || fields === null) return;
    for (const field of PERSONAL) {
      const value = (fields as Record<string, unknown>)[field];
      if (typeof value === 'string' && value.trim().length >= MEANINGFUL) this.sent.set(value.trim(), field);
    }
  }

  forget(): void {
    this.sent.clear();
  }

  /** @throws Error with the field and the value. */
  mustNotBeIn(output: string): void {
    for (const [value, field] of this.sent) {
      if (output.includes(value)) throw new Error(`The service printed the ${field} that a test sent: ${value}`);
    }
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return Object.fromEntries(new URLSearchParams(text));
  }
}
