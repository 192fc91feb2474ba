import { Argument, type Command } from 'commander';
import { bashScript, fishScript, zshScript } from './completion-scripts.js';
import { completionTree } from './completion-tree.js';
import type { Session } from './session.js';

const SCRIPTS = { bash: bashScript, zsh: zshScript, fish: fishScript };

/** `completion …`: a script for the shell, made from the command tree. */
export function addCompletionCommand(program: Command, session: Session): void {
  program
    .command('completion')
    .addArgument(new Argument('<shell>', 'the shell that you use').choices(Object.keys(SCRIPTS)))
    .description('print a completion script for your shell')
    .addHelpText(
      'after',
      `
Turn it on, for example in the start-up file of the shell:
  bash  source <(revenueflow completion bash)
  zsh   revenueflow completion zsh > "\${fpath[1]}/_revenueflow"
  fish  revenueflow completion fish | source`,
    )
    .action((shell: keyof typeof SCRIPTS) => session.output.write(SCRIPTS[shell](completionTree(program))));
}
