import { Command, Option } from 'commander';
import { usageError } from './exit-codes.js';
import { readLimit } from './paging.js';

export interface ListOptions {
  limit: number;
}

export function limitOption(standard = 20): Option {
  return new Option('-n, --limit <n>', 'how many at most; "all" for every one').argParser(readLimit).default(standard);
}

export function yesOption(): Option {
  return new Option('-y, --yes', 'do not ask for confirmation; required where there is no terminal');
}

/** These refuse a further word themselves, as an unknown command. */
const lists = new WeakSet<Command>();

/**
 * Makes each command refuse words that it does not take: `people erase` with two addresses must not erase the first
 * only. Commander passes on the setting of a group to the commands in it.
 */
export function refuseExcessWords(command: Command): void {
  for (const child of command.commands) {
    if (child.commands.length > 0) refuseExcessWords(child);
    else if (!lists.has(child)) child.allowExcessArguments(false);
  }
}

/** A command that only groups others: alone it prints its help, with an unknown word it fails. */
export function group(command: Command): Command {
  return command.allowExcessArguments().action(() => {
    if (command.args.length === 0) return command.help();
    throw unknownWord(command, command.args[0]!);
  });
}

/** The list of a group, which also runs where the group is called alone. */
export function refuseUnknownWords(list: Command): Command {
  lists.add(list);
  return list.allowExcessArguments().hook('preAction', (_, { args }) => {
    if (args.length > 0) throw unknownWord(list.parent!, args[0]!);
  });
}

function unknownWord(command: Command, word: string): Error {
  const words = shownCommands(command).map((child) => child.name());
  return usageError(`Unknown command "${pathOf(command)} ${word}". The commands are ${words.join(', ')}.`);
}

/** The words that call a command: `revenueflow leads list`. */
export function pathOf(command: Command): string {
  return command.parent ? `${pathOf(command.parent)} ${command.name()}` : command.name();
}

/** Without the old names, which work but which help, completion and the reference do not show. */
export function shownCommands(command: Command): Command[] {
  return command
    .createHelp()
    .visibleCommands(command)
    .filter((child) => child.name() !== 'help');
}
