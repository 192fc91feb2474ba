import { once } from 'node:events';
import { createInterface } from 'node:readline/promises';
import type { Command } from 'commander';
import { serviceUrlOf, tokenOf, webhookSecretOf } from './connection.js';
import { CommandError, EXIT_CODES, usageError } from './exit-codes.js';
import { timesIn, type Times } from './format-time.js';
import { ServiceClient } from './http-client.js';
import type { CliIo } from './io.js';
import { Output, type Format } from './output.js';
import { widthOf } from './terminal-width.js';

export interface GlobalOptions {
  url?: string;
  token?: string;
  format: Format;
  json?: true;
  output?: string;
  quiet?: true;
  utc?: true;
}

interface Confirmation {
  question: string;
  yes: boolean;
  /** A command of older scripts, which run without a terminal and without --yes. */
  isOldName?: boolean;
}

/** What a command works with, made from the global options when it is first needed. */
export class Session {
  /** Of a command that ends without an error: not 0 where it found differences, problems or bad rows. */
  exitCode: number = EXIT_CODES.ok;
  private made: { output?: Output; client?: ServiceClient } = {};

  constructor(
    private readonly program: Command,
    readonly io: CliIo,
  ) {}

  get output(): Output {
    const { format, json, output, quiet } = this.options;
    return (this.made.output ??= new Output({
      format: json ? 'json' : format,
      quiet: quiet === true,
      width: output === undefined ? widthOf(this.io.stdout, this.io.env) : Infinity,
      io: this.io,
      ...(output === undefined ? {} : { file: output }),
    }));
  }

  get client(): ServiceClient {
    const { env } = this.io;
    const token = tokenOf(env, this.options.token);
    const secret = webhookSecretOf(env);
    return (this.made.client ??= new ServiceClient({
      url: serviceUrlOf(env, this.options.url),
      ...(token ? { token } : {}),
      ...(secret ? { secret } : {}),
    }));
  }

  get isUtc(): boolean {
    return this.options.utc === true;
  }

  get times(): Times {
    return timesIn(this.isUtc ? 'utc' : 'local');
  }

  /**
   * Asks on a terminal before an act that changes many leads or cannot be undone.
   * @throws CommandError where the answer is not yes, or where there is no terminal to ask on.
   */
  async confirm({ question, yes, isOldName = false }: Confirmation): Promise<void> {
    if (yes) return;
    const { stdin, stderr } = this.io;
    if (!stdin.isTTY || !stderr.isTTY) {
      if (isOldName) return;
      throw usageError(`${question} There is no terminal to confirm this on, so nothing was changed. Add --yes.`);
    }
    const prompt = createInterface({ input: stdin, output: stderr });
    // Ctrl-C and Ctrl-D close the prompt without an answer.
    const closed = once(prompt, 'close').then(() => '');
    const answer = await Promise.race([prompt.question(`${question} [y/N] `), closed]).catch(() => '');
    prompt.close();
    if (!/^y(es)?$/i.test(answer.trim())) throw new CommandError(EXIT_CODES.failure, 'Cancelled. Nothing was changed.');
  }

  async close(): Promise<void> {
    await this.made.output?.close();
  }

  private get options(): GlobalOptions {
    return this.program.opts<GlobalOptions>();
  }
}
