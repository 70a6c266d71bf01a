/** Scripts by which shells complete command lines: written from the commands themselves, run by the shell alone. */
import type { Command, Option } from 'commander';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

/** A command as a shell has to know it. */
interface Known {
  readonly name: string;
  readonly description: string;
  readonly options: readonly Option[];
  /** What its first argument can be; undefined: a file. */
  readonly choices: readonly string[] | undefined;
}

/** The script for a shell; what it offers is what `program` takes. Anything that is no choice is a file. */
export function completionScript(shell: Shell, program: Command): string {
  const commands = program.commands.map((command): Known => {
    const [first] = command.registeredArguments;
    return {
      ...{ name: command.name(), description: firstSentence(command.description()) },
      options: command.createHelp().visibleOptions(command),
      choices: command.name() === 'help' ? program.commands.map((c) => c.name()) : first?.argChoices,
    };
  });
  const own = program.createHelp().visibleOptions(program);
  switch (shell) {
    case 'bash':
      return bash(program.name(), commands, own);
    case 'zsh':
      return zsh(program.name(), commands, own);
    case 'fish':
      return fish(program.name(), commands, own);
    default:
      return shell satisfies never;
  }
}

function firstSentence(text: string): string {
  return /^.*?(?=[.:](?: |$))/.exec(text)?.[0] ?? text;
}

function flagsOf(option: Option): string[] {
  return [option.short, option.long].filter((flag) => flag !== undefined);
}

function takesValue({ required, optional }: Option): boolean {
  return required || optional;
}

function bash(name: string, commands: readonly Known[], own: readonly Option[]): string {
  const words = (list: readonly string[]) => list.map((word) => bashQuoted(word)).join(' ');
  const cases = commands.flatMap(({ name: command, options, choices }) => [
    ...options.filter(takesValue).map((option) => {
      const before = flagsOf(option).map((flag) => bashQuoted(`${command} ${flag}`));
      // Without words the shell offers files.
      return `    ${before.join('|')}) words=(${words(option.argChoices ?? [])}) ;;`;
    }),
    `    ${bashQuoted(`${command} `)}*) if [[ $current == -* ]]; then words=(${words(options.flatMap(flagsOf))}); else words=(${words(choices ?? [])}); fi ;;`,
  ]);
  return `# Completes command lines of ${name} in bash: eval "$(${name} completion bash)"
_${name}() {
  local current=\${COMP_WORDS[COMP_CWORD]} words=() word
  if ((COMP_CWORD == 1)); then
    words=(${words([...commands.map((c) => c.name), ...own.flatMap(flagsOf)])})
  else
    case "\${COMP_WORDS[1]} \${COMP_WORDS[COMP_CWORD - 1]}" in
${cases.join('\n')}
    esac
  fi
  COMPREPLY=()
  for word in "\${words[@]}"; do
    [[ $word == "\${current//\\\\/}"* ]] && COMPREPLY+=("$(printf %q "$word")")
  done
}
complete -o bashdefault -o default -F _${name} ${name}
`;
}

function bashQuoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

function zsh(name: string, commands: readonly Known[], own: readonly Option[]): string {
  const bracketed = (text: string) => text.replaceAll(/[[\]\\:]/g, '\\$&');
  const described = commands.map((c) => bashQuoted(`${bracketed(c.name)}:${c.description}`));
  const specification = (option: Option) => {
    const text = `[${bracketed(firstSentence(option.description))}]`;
    const values = option.argChoices
      ? `(${option.argChoices.map((c) => c.replaceAll(/[()]/g, '\\$&')).join(' ')})`
      : '_files';
    const value = takesValue(option) ? `:value:${values}` : '';
    return flagsOf(option).map((flag) => bashQuoted(`${flag}${text}${value}`));
  };
  const cases = commands.map(({ name: command, options, choices }) => {
    const rest = choices ? `(${choices.join(' ')})` : '_files';
    return `    ${command}) _arguments ${[...options.flatMap(specification), bashQuoted(`*:file:${rest}`)].join(' ')} ;;`;
  });
  return `#compdef ${name}
# Completes command lines of ${name} in zsh: source <(${name} completion zsh), or this text as _${name} in a folder of $fpath
_${name}() {
  if ((CURRENT == 2)) && [[ $words[2] != -* ]]; then
    local -a commands=(${described.join(' ')})
    _describe command commands
    return
  fi
  if ((CURRENT == 2)); then
    _arguments ${own.flatMap(specification).join(' ')}
    return
  fi
  local command=$words[2]
  shift words
  ((CURRENT--))
  case $command in
${cases.join('\n')}
  esac
}
if [[ $funcstack[1] == _${name} ]]; then
  _${name} "$@"
else
  compdef _${name} ${name}
fi
`;
}

function fish(name: string, commands: readonly Known[], own: readonly Option[]): string {
  const quoted = (text: string) => `'${text.replaceAll(/['\\]/g, '\\$&')}'`;
  const option = (condition: string, { short, long, description, argChoices, ...rest }: Option) =>
    [
      `complete -c ${name} -n ${quoted(condition)}`,
      ...(short ? [`-s ${short.slice(1)}`] : []),
      ...(long ? [`-l ${long.slice(2)}`] : []),
      ...(argChoices ? [`-x -a ${quoted(argChoices.map(quoted).join(' '))}`] : []),
      ...(!argChoices && (rest.required || rest.optional) ? ['-r'] : []),
      `-d ${quoted(firstSentence(description))}`,
    ].join(' ');
  const lines = commands.flatMap(({ name: command, description, options, choices }) => {
    const seen = `__fish_seen_subcommand_from ${command}`;
    return [
      `complete -c ${name} -n __fish_use_subcommand -f -a ${command} -d ${quoted(description)}`,
      ...(choices ? [`complete -c ${name} -n ${quoted(seen)} -f -a ${quoted(choices.join(' '))}`] : []),
      ...options.map((each) => option(seen, each)),
    ];
  });
  return `# Completes command lines of ${name} in fish: ${name} completion fish | source
complete -c ${name} -n __fish_use_subcommand -f
${[...own.map((each) => option('__fish_use_subcommand', each)), ...lines].join('\n')}
`;
}
