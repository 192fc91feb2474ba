import type { Argument, Command, Option } from 'commander';
import { EXIT_CODE_TEXTS, EXIT_CODES } from './exit-codes.js';
import { pathOf, shownCommands } from './options.js';
import { createProgram, ENVIRONMENT, EXAMPLES, OLD_NAMES } from './program.js';

/** docs/cli.md: every command with its arguments and options, from the command tree. */
export function commandReference(note: string): string {
  const { program } = createProgram();
  const codes = Object.entries(EXIT_CODES).map(([name, code]) => [
    String(code),
    EXIT_CODE_TEXTS[name as keyof typeof EXIT_CODES],
  ]);
  return `# Command line

<!-- ${note} Source: src/cli/ -->

${program.description()}

In a clone, \`npx revenueflow\` runs the commands and compiles what has changed; in the container it is
\`node dist/cli/main.js\`. \`npm run ops -- …\` does the same in a clone.

\`\`\`
${EXAMPLES.map(([command, text]) => `${command.padEnd(44)}# ${text}`).join('\n')}
\`\`\`

A lead can be named by its id, by the first 4 or more characters of the id, or by an e-mail. Where these fit several, the
command lists them and changes nothing. Commands that delete data or change many leads ask on a terminal; without a terminal
they need \`--yes\`.

## Options of every command

${optionTable(program)}

A list shows as many columns as the terminal has room for; on a pipe it shows all of them. \`--json\` prints what the API
answers. CSV has exact values, times in UTC, and an apostrophe before text that a spreadsheet would run as a formula.

## Environment

These can also be set in \`.env\` beside \`package.json\`; the environment wins.

${table(['variable', 'what it is'], ENVIRONMENT)}

## Exit codes

${table(['code', 'meaning'], codes)}

## Commands

${shownCommands(program)
  .flatMap((command) => sections(command))
  .join('\n\n')}

## Older names

These work as before. Where there is no terminal they ask for no confirmation, so that older scripts keep running.

${table(['older name', 'is now'], OLD_NAMES)}
`;
}

function sections(command: Command): string[] {
  const children = shownCommands(command);
  if (children.length > 0) return children.flatMap((child) => sections(child));
  const words = command.registeredArguments.map((argument) =>
    argument.required ? `<${argument.name()}>` : `[${argument.name()}]`,
  );
  const values = command.registeredArguments.filter(({ description }) => description !== '').map(argumentRow);
  const isUsual = (command.parent as Command & { _defaultCommandName?: string })._defaultCommandName === command.name();
  return [
    [
      `### \`${[pathOf(command), ...words].join(' ')}\``,
      `${sentence(command.description())}${isUsual ? ` \`${pathOf(command.parent!)}\` alone does the same.` : ''}`,
      ...(values.length > 0 ? [table(['argument', 'what it is'], values)] : []),
      ...(command.options.some(({ hidden }) => !hidden) ? [optionTable(command)] : []),
    ].join('\n\n'),
  ];
}

function argumentRow(argument: Argument): [string, string] {
  const choices = argument.argChoices ? `: ${argument.argChoices.map((choice) => `\`${choice}\``).join(', ')}` : '';
  return [`\`${argument.name()}\``, `${argument.description}${choices}`];
}

function optionTable(command: Command): string {
  return table(
    ['option', 'what it does'],
    command.options.map((option) => [`\`${option.flags}\``, optionText(option)]),
  );
}

function optionText({ description, argChoices, defaultValue }: Option): string {
  const choices = argChoices ? `: ${argChoices.map((choice) => `\`${choice}\``).join(', ')}` : '';
  return `${description}${choices}${defaultValue === undefined ? '' : ` (default ${String(defaultValue)})`}`;
}

function table(heads: string[], rows: string[][]): string {
  const line = (cells: string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(heads), `|${heads.map(() => '---').join('|')}|`, ...rows.map(line)].join('\n');
}

function sentence(text: string): string {
  return `${text[0]!.toUpperCase()}${text.slice(1)}.`;
}
