import type { Command } from 'commander';
import { shownCommands } from './options.js';

export interface CompletionNode {
  /** The words that call the command, without the program: `leads list`. */
  path: string;
  description: string;
  commands: { name: string; description: string }[];
  options: CompletionOption[];
  /** The values of its first argument, where they are fixed. */
  values: string[];
}

export interface CompletionOption {
  /** `-n` and `--limit`. */
  flags: string[];
  description: string;
  takesValue: boolean;
  choices: string[];
}

/** Each command with what can follow it; the options of a group's default command count as the group's. */
export function completionTree(program: Command): CompletionNode[] {
  const shared = optionsOf(program).filter(({ flags }) => !flags.includes('--help'));
  const visit = (command: Command, path: string): CompletionNode[] => {
    const children = shownCommands(command);
    const usual = (command as Command & { _defaultCommandName?: string })._defaultCommandName;
    const standIn = children.find((child) => child.name() === usual);
    const own = [...(standIn ? optionsOf(standIn) : []), ...(command === program ? [] : optionsOf(command))];
    return [
      {
        path,
        description: command.description(),
        commands: children.map((child) => ({ name: child.name(), description: child.description() })),
        options: uniqueOptions([...own, ...shared, ...(command === program ? optionsOf(program) : [])]),
        values: command.registeredArguments[0]?.argChoices ?? [],
      },
      ...children.flatMap((child) => visit(child, path === '' ? child.name() : `${path} ${child.name()}`)),
    ];
  };
  return visit(program, '');
}

function optionsOf(command: Command): CompletionOption[] {
  return command
    .createHelp()
    .visibleOptions(command)
    .map((option) => ({
      flags: [option.short, option.long].filter((flag) => flag !== undefined && flag !== null),
      description: option.description,
      takesValue: option.required || option.optional,
      choices: option.argChoices ?? [],
    }));
}

function uniqueOptions(options: CompletionOption[]): CompletionOption[] {
  return [...new Map(options.map((option) => [option.flags.at(-1), option])).values()];
}
