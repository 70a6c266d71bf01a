/** The command line: what can be said, and what happens with it. */
import { Command, CommanderError, Option } from 'commander';
import { DEFAULTS } from '../bounds/defaults.ts';
import { METHODS } from '../bounds/result.ts';
import { RULE_NAMES } from '../ellipsoid/multipliers/closedForms.ts';
import { FORMULATIONS } from '../sdp/sdpa.ts';
import { checkCombination } from './combinations.ts';
import { type BoundCommand, boundCommand } from './commands/bound.ts';
import { verifyCommand } from './commands/certificate.ts';
import { type ExportSdpCommand, exportSdpCommand } from './commands/exportSdp.ts';
import { inspectCommand } from './commands/inspect.ts';
import { type SolveSdpCommand, solveSdpCommand } from './commands/solveSdp.ts';
import { EXIT, type Failure, failureDocument, failureLines, toFailure, UsageError } from './failure.ts';
import type { EngineName, Library } from './library.ts';
import { count, megabytes, nonnegative, percent, positiveInteger, shape, target } from './options.ts';
import { formatMegabytes } from './output/format.ts';
import { OutputError, printDocument, printLines, type Terminal } from './output/terminal.ts';

const ENGINES: readonly EngineName[] = ['auto', 'cpu', 'cpu-wasm', 'cpu-blas', 'webgpu', 'webgl'];

/** What the options of a command line become: those of the command, before its defaults. */
type Flags = Partial<Omit<BoundCommand, 'file' | 'engine' | 'json' | 'quiet'>> & {
  readonly engine: EngineName;
  readonly json?: true;
  readonly quiet?: true;
};

export interface CommandHost {
  /** Loaded when a command needs it: `--help` does not wait for it. */
  readonly library: () => Promise<Library>;
  readonly terminal: Terminal;
  readonly version: string;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
}

/** Runs one command line (without the names of interpreter and script) and returns the exit code. Never throws. */
export async function runCommandLine(argv: readonly string[], host: CommandHost): Promise<number> {
  const { signal } = host;
  const { stdout, stderr } = host.terminal;
  let answered = false;
  const write = (text: string) => {
    answered = true;
    stdout.write(text);
  };
  const terminal: Terminal = { stdout: { ...stdout, write }, stderr };
  let code: number = EXIT.success;
  const program = commandLine({ ...host, terminal }, (exit) => {
    code = exit;
  });
  try {
    await program.parseAsync(argv, { from: 'user' });
    return code;
  } catch (error) {
    // Help and version have been printed by then.
    if (error instanceof CommanderError && error.exitCode === 0) return EXIT.success;
    const failure = error instanceof CommanderError ? usageFailure(error) : toFailure(error, signal);
    // The options may be what could not be read, so that the raw words have to tell. There is one document, though, and the answer
    // may have been it.
    if (argv.includes('--json') && !answered) {
      try {
        printDocument(stdout, failureDocument(failure));
        return EXIT[failure.kind];
      } catch (unheard) {
        if (!(unheard instanceof OutputError)) throw unheard;
      }
    }
    printLines(stderr, failureLines(failure));
    return EXIT[failure.kind];
  }
}

function commandLine(host: CommandHost, finish: (code: number) => void): Command {
  const { terminal, signal } = host;
  const [signals, images] = DEFAULTS.cellTolerance;
  const program = new Command('lipsoid')
    .description('Upper bounds on the ℓ2 Lipschitz constant of neural networks, from ONNX files.')
    .version(host.version, '--version', 'print the version')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => printLines(terminal.stdout, text.replace(/\n$/, '').split('\n')),
      // Errors arrive as exceptions and are written once, in text or JSON, by `runCommandLine`.
      writeErr: () => {},
      getOutHelpWidth: () => terminal.stdout.columns,
    })
    .helpOption('--help', 'print this help')
    .helpCommand(false)
    .showSuggestionAfterError();

  withNetworkOptions(program.command('bound'))
    .description('Bound the Lipschitz constant of the network in FILE.')
    .addOption(new Option('--method <name>', `method to run (default: ${DEFAULTS.method})`).choices(METHODS))
    .addOption(new Option('--rule <name>', 'the one closed-form rule to run').choices(RULE_NAMES))
    .addOption(new Option('--engine <name>', 'what computes').choices(ENGINES).default(DEFAULTS.engine))
    .option(
      '--threads <n>',
      `threads of the engine (default: one per core, ${DEFAULTS.mostThreads} at most)`,
      positiveInteger,
    )
    .option(
      '--memory <MB>',
      `memory budget in megabytes (default: ${formatMegabytes(DEFAULTS.memory)} beside the weights, more on a GPU)`,
      megabytes,
    )
    .option(
      '--target <what>',
      'what the search makes small: global, margins, or two outputs such as 3,5',
      target,
    )
    .option(
      '--evaluations <n>',
      `gradient evaluations of the search at most (default: ${DEFAULTS.evaluations})`,
      count,
    )
    .option(
      '--tolerance <x>',
      `relative gain over ten steps under which the search ends (default: ${DEFAULTS.tolerance.toExponential()})`,
      nonnegative,
    )
    .option(
      '--time-limit <s>',
      `seconds after which the answer is there, with the best bound by then (default: ${DEFAULTS.timeLimit})`,
      nonnegative,
    )
    .addOption(
      new Option(
        '--length <which>',
        'any: a bound for signals of every length (default: of the length of the file)',
      ).choices(['any']),
    )
    .option(
      '--smallest-length <n>',
      'with --length any and global pooling: from which length on it is to hold',
      positiveInteger,
    )
    .option(
      '--cell-tolerance <x>',
      `with --length any: what the gaps between frequencies may add (default: ${signals}, images ${images})`,
      nonnegative,
    )
    .option('--multipliers <file>', 'where the search starts, from --save-multipliers')
    .option('--save-multipliers <file>', 'where to write the multipliers that the search finds')
    .option('--no-rigor', 'bare numbers, without an analysis of rounding errors')
    .option(
      '--inflation-limit <percent>',
      `what rounding in float32 may add before the last pass is repeated in float64 (default: ${100 * DEFAULTS.inflationLimit})`,
      percent,
    )
    .option('--no-lower', 'leave out the sampled lower bound that is printed beside the bound')
    .option(
      '--seed <n>',
      `of the points that the lower bound is sampled at (default: ${DEFAULTS.seed})`,
      count,
    )
    .option('--certificate <file>', 'where to write a certificate that `verify` accepts')
    .option('--quiet', 'print the table alone, and no progress')
    .action(async (file: string, flags: Flags) => {
      const { method, json, quiet, ...rest } = flags;
      const command: BoundCommand = {
        ...rest,
        file,
        method: method ?? (rest.rule === undefined ? DEFAULTS.method : 'closed-form'),
        json: json ?? false,
        quiet: quiet ?? false,
      };
      checkCombination(command);
      finish(await boundCommand(command, await host.library(), terminal, signal, host.version));
    });

  withNetworkOptions(program.command('inspect'))
    .description('Show the layers of the network in FILE, and what bounding it would take.')
    .action(async (file: string, flags: Flags) => {
      const command = { ...flags, file, json: flags.json ?? false };
      finish(await inspectCommand(command, await host.library(), terminal));
    });

  withNetworkOptions(program.command('verify').argument('<CERTIFICATE>', 'a file from --certificate'))
    .description('Check that CERTIFICATE proves its bound for the network in FILE.')
    .action(async (certificate: string, file: string, flags: Flags) => {
      const command = { ...flags, certificate, file, json: flags.json ?? false };
      finish(await verifyCommand(command, await host.library(), terminal, signal));
    });

  withNetworkOptions(program.command('export-sdp'))
    .description(
      'Write the bound of the network in FILE down as a semidefinite program, in SDPA sparse format.',
    )
    .addOption(
      new Option('--formulation <name>', 'what to write down').choices(FORMULATIONS).makeOptionMandatory(),
    )
    .requiredOption('--out <file>', 'where to write it, such as problem.dat-s')
    .action(async (file: string, flags: Omit<ExportSdpCommand, 'file'>) => {
      const command = { ...flags, file, json: flags.json ?? false };
      finish(await exportSdpCommand(command, await host.library(), terminal));
    });

  program
    .command('solve-sdp')
    .description('Solve a problem that export-sdp has written with CSDP, and say what it means.')
    .argument('<FILE>', 'a .dat-s file from export-sdp')
    .option('--solver <path>', 'the CSDP executable (default: csdp)')
    .option('--time-limit <s>', 'seconds after which the solver is stopped', nonnegative)
    .option('--json', 'print one JSON document instead of text')
    .action(async (file: string, flags: Omit<SolveSdpCommand, 'file'>) => {
      const command = { ...flags, file, json: flags.json ?? false };
      finish(await solveSdpCommand(command, await host.library(), terminal, signal));
    });

  for (const command of program.commands) nameOptionsWhenUnknown(command);
  return program;
}

function withNetworkOptions(command: Command): Command {
  return command
    .argument('<FILE>', 'an ONNX file')
    .option(
      '--input-shape <sides>',
      'input without the batch axis, such as 1x28x28, if the file leaves it open',
      shape,
    )
    .option('--output <name>', 'output to look at, if the file has several')
    .option('--json', 'print one JSON document instead of text');
}

/** Commander names the nearest option at best; this names all of them. */
function nameOptionsWhenUnknown(command: Command): void {
  const longs = command.options.map((option) => option.long).join(', ');
  command.exitOverride((error) => {
    if (error.code === 'commander.unknownOption')
      throw new UsageError(`${plain(error)}; options: ${longs}, --help`);
    throw error;
  });
}

function usageFailure(error: CommanderError): Failure {
  // Without any command Commander answers with its help, which is no message.
  if (error.code === 'commander.help') {
    return {
      kind: 'input',
      message: 'command: bound, inspect, verify, export-sdp or solve-sdp, got none; see lipsoid --help',
    };
  }
  const commands =
    error.code === 'commander.unknownCommand'
      ? '; commands: bound, inspect, verify, export-sdp, solve-sdp'
      : '';
  return { kind: 'input', message: plain(error) + commands };
}

function plain(error: CommanderError): string {
  return error.message.replace(/^error: /, '').replaceAll('\n', ' ');
}
