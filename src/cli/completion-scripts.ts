import type { CompletionNode, CompletionOption } from './completion-tree.js';

type Tree = CompletionNode[];

/**
 * Bash: the words before the cursor give the command, and that what can follow. File names complete where nothing else
 * does.
 */
export function bashScript(tree: Tree): string {
  return `# bash completion of revenueflow
_revenueflow() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} at="" word skip=0 i words=""
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    if ((skip)); then skip=0; continue; fi
    ${stepCase('"$word"')}
  done
  COMPREPLY=()
  ${answerCase('words', 'return')}
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
${wordFunctions(tree)}complete -o default -F _revenueflow revenueflow
`;
}

/** Zsh: as a function of the completion system, with the same tables as bash. */
export function zshScript(tree: Tree): string {
  return `#compdef revenueflow
# zsh completion of revenueflow
_revenueflow() {
  local cur="\${words[CURRENT]}" prev="\${words[CURRENT-1]}" at="" word skip=0 i candidates=""
  for ((i = 2; i < CURRENT; i++)); do
    word="\${words[i]}"
    if ((skip)); then skip=0; continue; fi
    ${stepCase('"$word"')}
  done
  ${answerCase('candidates', '_files; return')}
  if [[ -n "$candidates" ]]; then compadd -- \${=candidates}; fi
  if [[ "$cur" != -* && "$at" == *import ]]; then _files; fi
}
${wordFunctions(tree)}if [[ "$funcstack[1]" == "_revenueflow" ]]; then _revenueflow "$@"; else compdef _revenueflow revenueflow; fi
`;
}

/** Fish: one line per word, shown where the command before the cursor is the word's. */
export function fishScript(tree: Tree): string {
  const lines = tree.flatMap(({ path, commands, options, values }) => {
    const where = `complete -c revenueflow -n '__revenueflow_at ${quoted(path)}'`;
    return [
      ...commands.map(({ name, description }) => `${where} -a ${name} -d ${fishText(description)}`),
      ...values.map((value) => `${where} -a ${value}`),
      ...options.map((option) => `${where}${fishOption(option)} -d ${fishText(option.description)}`),
    ];
  });
  const paths = tree.map(({ path }) => path).filter((path) => path !== '');
  return `# fish completion of revenueflow
function __revenueflow_at
    set -l at ''
    set -l skip 0
    for word in (commandline -opc)[2..-1]
        if test $skip = 1
            set skip 0
            continue
        end
        if contains -- $word ${valuedFlags(tree).join(' ')}
            set skip 1
        else if contains -- (string trim "$at $word") ${paths.map(quoted).join(' ')}
            set at (string trim "$at $word")
        end
    end
    test "$at" = "$argv[1]"
end
complete -c revenueflow -f
complete -c revenueflow -n '__revenueflow_at "leads import"' -F
${lines.join('\n')}
`;
}

function stepCase(word: string): string {
  return `if _revenueflow_valued ${word}; then skip=1
    elif _revenueflow_words "$at $word" > /dev/null; then at="$at $word"; fi`;
}

/** Sets a variable: the values of the option before the cursor, else options or commands. */
function answerCase(variable: string, otherwise: string): string {
  return `if _revenueflow_valued "$prev"; then
    ${variable}=$(_revenueflow_choices "$prev")
    if [[ -z "$${variable}" ]]; then ${otherwise}; fi
  elif [[ "$cur" == -* ]]; then ${variable}=$(_revenueflow_flags "$at")
  else ${variable}=$(_revenueflow_words "$at"); fi`;
}

function wordFunctions(tree: Tree): string {
  const flags = valuedFlags(tree);
  const choices = new Map(
    tree.flatMap(({ options }) => options.flatMap((option) => option.flags.map((flag) => [flag, option.choices] as const))),
  );
  const withChoices = [...choices].filter(([, values]) => values.length > 0);
  return `_revenueflow_valued() {
  case "$1" in ${flags.join('|')}) return 0 ;; *) return 1 ;; esac
}
_revenueflow_choices() {
  case "$1" in
${withChoices.map(([flag, values]) => `    ${flag}) echo "${values.join(' ')}" ;;`).join('\n')}
  esac
}
_revenueflow_words() {
  case "$1" in
${tree.map(({ path, commands, values }) => `    ${keyOf(path)}) echo "${[...commands.map(({ name }) => name), ...values].join(' ')}" ;;`).join('\n')}
    *) return 1 ;;
  esac
}
_revenueflow_flags() {
  case "$1" in
${tree.map(({ path, options }) => `    ${keyOf(path)}) echo "${options.flatMap((option) => option.flags).join(' ')}" ;;`).join('\n')}
  esac
}
`;
}

function valuedFlags(tree: Tree): string[] {
  const valued = tree.flatMap(({ options }) => options.filter(({ takesValue }) => takesValue).flatMap((option) => option.flags));
  return [...new Set(valued)].toSorted();
}

/** As the shells collect it: a space before each word. */
function keyOf(path: string): string {
  return quoted(path === '' ? '' : ` ${path}`);
}

function quoted(text: string): string {
  return `"${text}"`;
}

function fishOption({ flags, takesValue, choices }: CompletionOption): string {
  const names = flags.map((flag) => (flag.startsWith('--') ? ` -l ${flag.slice(2)}` : ` -s ${flag.slice(1)}`)).join('');
  if (!takesValue) return names;
  return choices.length > 0 ? `${names} -x -a ${quoted(choices.join(' '))}` : `${names} -r`;
}

function fishText(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
