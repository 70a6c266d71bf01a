/** The command line: what can be said, and what happens with it. */
import { Argument, Command, CommanderError, Option } from 'commander';
import { DEFAULTS } from '../bounds/defaults.ts';
import { METHODS, type MethodName } from '../bounds/result.ts';
import { CERTIFY_DEFAULTS } from '../certify/defaults.ts';
import { RULE_NAMES } from '../ellipsoid/multipliers/closedForms.ts';
import { UNITS } from '../formats/format.ts';
import { BALL_NORMS, NORMS } from '../network/norms/norm.ts';
import { FORMULATIONS } from '../sdp/sdpa.ts';
import {
  checkCertify,
  checkCombination,
  checkDifference,
  checkGradient,
  checkRegion,
  checkSweep,
} from './combinations.ts';
import { type BoundCommand, boundCommand } from './commands/bound.ts';
import { type BoundAtCommand, boundAtCommand } from './commands/boundAt.ts';
import { verifyCommand } from './commands/certificate.ts';
import { certifyCommand } from './commands/certify.ts';
import type { CertifyCommand } from './commands/certifyCommand.ts';
import { describeCommand } from './commands/describe.ts';
import { type DifferenceCommand, differenceCommand } from './commands/difference.ts';
import { type ExportGradientCommand, exportGradientCommand } from './commands/exports/exportGradient.ts';
import { type ExportSdpCommand, exportSdpCommand } from './commands/exports/exportSdp.ts';
import { inspectCommand } from './commands/inspect.ts';
import { type ReportCommand, reportCommand } from './commands/report.ts';
import { type SolveSdpCommand, solveSdpCommand } from './commands/solveSdp.ts';
import { sweepCommand } from './commands/sweep.ts';
import { type WorkerCommand, workerCommand } from './commands/worker.ts';
import { completionScript, SHELLS, type Shell } from './completion.ts';
import { EXIT, type Failure, failureDocument, failureLines, toFailure, UsageError } from './failure.ts';
import type { EngineName, Library } from './library.ts';
import { modelOptions } from './loading.ts';
import {
  channels,
  count,
  fixes,
  megabytes,
  nonnegative,
  one,
  percent,
  positive,
  positiveInteger,
  radii,
  range,
  shape,
  shard,
  target,
} from './options.ts';
import { formatMegabytes } from './output/format.ts';
import { OutputError, printDocument, printLines, type Terminal } from './output/terminal.ts';
import type { SweepCommand } from './sweep/sweepCommand.ts';

/** For people who have given none of them. */
const COMMANDS =
  'bound, certify, difference, sweep, worker, report, inspect, describe, verify, export-gradient, export-sdp, solve-sdp';

const ENGINES: readonly EngineName[] = ['auto', 'cpu', 'cpu-wasm', 'cpu-blas', 'webgpu', 'webgl'];

/** What the options of a command line become: those of the command, before its defaults. */
type Flags = Partial<Omit<BoundCommand, 'file' | 'engine' | 'json' | 'quiet'>> & {
  readonly engine: EngineName;
  readonly json?: true;
  readonly quiet?: true;
};

/** Options of `bound` that ask for a region. */
type Region = Partial<Pick<BoundAtCommand, 'at' | 'radius' | 'domain' | 'kind'>>;

type CertifyFlags = Omit<
  CertifyCommand,
  'file' | 'labels' | 'maxRadius' | 'normalized' | 'json' | 'quiet'
> & {
  readonly labels?: string | boolean;
  readonly maxRadius?: true;
  readonly normalized?: true;
  readonly json?: true;
  readonly quiet?: true;
};

type DifferenceFlags = Omit<DifferenceCommand, 'a' | 'b' | 'json' | 'quiet'> & {
  readonly json?: true;
  readonly quiet?: true;
};

type SweepFlags = Omit<SweepCommand, 'patterns' | 'method' | 'json' | 'quiet'> & {
  readonly method?: MethodName;
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
  /** When the time of whoever waits began, on `performance.now()`; default: when the command does. */
  readonly since?: number;
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
  const program = new Command('lipsoid')
    .description(
      'Upper bounds on the Lipschitz constants of neural networks, from files of ONNX, Keras, PyTorch and others.',
    )
    .version(host.version, '-v, --version', 'print the version')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => printLines(terminal.stdout, text.replace(/\n$/, '').split('\n')),
      // Errors arrive as exceptions and are written once, in text or JSON, by `runCommandLine`.
      writeErr: () => {},
      getOutHelpWidth: () => terminal.stdout.columns,
    })
    .helpOption('-h, --help', 'print this help')
    // Its own one takes the name of no command for none at all.
    .helpCommand(false)
    .showSuggestionAfterError();

  withBoundOptions(withEngineOptions(withNetworkOptions(program.command('bound'))))
    .description('Bound the Lipschitz constant of the network in FILE.')
    .option(
      '--sensitivities',
      'a bound for each entry of the input as well, when it alone changes; with --norm 1',
    )
    .option('--multipliers <file>', 'where the search starts, from --save-multipliers')
    .option('--save-multipliers <file>', 'where to write the multipliers that the search finds')
    .option('--certificate <file>', 'where to write a certificate that `verify` accepts')
    .option(
      '--resume <file>',
      'with --method exact: goes on from the certificate of a search that was stopped, from --certificate',
    )
    .option(
      '--at <file>',
      'with --radius: the bound near the point in the file, .npy or the array x of an .npz',
    )
    .option('--radius <r>', 'how far from the point', nonnegative)
    .addOption(kindOption())
    .option(
      '--domain <low,high>',
      'the bound where every entry of the input keeps to this, such as 0,1; with --at and --radius: there too',
      range,
    )
    .option(
      '--workers <n>',
      'processes that share out the frequencies, each with an engine of its own (default: 1, this one)',
      positiveInteger,
    )
    .option('--all-rules', 'show every rule of every method, not the best one of each alone')
    .option('--quiet', 'print the table alone, and no progress')
    .action(async (file: string, flags: Flags & Region) => {
      const { method, json, quiet, at, radius, domain, kind, ...rest } = flags;
      if ([at, radius, domain, kind].some((option) => option !== undefined)) {
        checkRegion(flags);
        const { engine, threads, memory, norm, outputNorm, gap, timeLimit, seed, evaluations } = rest;
        const { certificate, resume } = rest;
        const command: BoundAtCommand = {
          ...{ file, engine, kind: kind ?? 'incremental', json: json ?? false },
          ...(at !== undefined && { at }),
          ...(radius !== undefined && { radius }),
          ...(domain && { domain }),
          // Others have been refused.
          ...((norm === '2' || norm === 'inf') && { norm }),
          ...(outputNorm !== undefined && { outputNorm }),
          ...(threads !== undefined && { threads }),
          ...(memory !== undefined && { memory }),
          ...(gap !== undefined && { gap }),
          ...(evaluations !== undefined && { evaluations }),
          ...(certificate !== undefined && { certificate }),
          ...(resume !== undefined && { resume }),
          ...{ timeLimit: timeLimit ?? DEFAULTS.timeLimit, seed: seed ?? DEFAULTS.seed },
          // Others have been refused.
          ...((method === 'closed-form' || method === 'refined' || method === 'exact') && { method }),
          ...modelOptions(rest),
        };
        const { since = performance.now() } = host;
        const call = { signal, since };
        finish(await boundAtCommand(command, await host.library(), terminal, call, host.version));
        return;
      }
      const command: BoundCommand = {
        ...rest,
        file,
        method: method ?? (rest.rule === undefined ? DEFAULTS.method : 'closed-form'),
        json: json ?? false,
        quiet: quiet ?? false,
      };
      checkCombination(command);
      const { since = performance.now() } = host;
      finish(await boundCommand(command, await host.library(), terminal, { signal, since }, host.version));
    });

  withBoundOptions(
    withEngineOptions(
      withModelOptions(
        program.command('sweep').argument('<FILES...>', "models, and patterns such as 'runs/**/*.onnx'"),
      ),
    ),
  )
    .description('Bound many networks, a line of JSON each; what was done before is found again.')
    .requiredOption('--out <file>', 'where to add the lines, such as bounds.jsonl')
    .option('--cache <dir>', 'keeps finished work (default: the folder FILE.cache beside --out FILE)')
    .option('--shard <i/n>', 'the part of machine i, from 1 to n', shard)
    .option('--jobs <n>', 'networks at a time, in processes of their own (default: 1)', positiveInteger)
    .option(
      '--queue <url>',
      'leaves the work to workers: the address of a Redis server, such as redis://host:6379',
    )
    .option('--warm', 'searches start from what networks of the same structure have found')
    .option('--csv <file>', 'where to write one row for each network')
    .option('--quiet', 'print what it comes to alone, and no progress')
    .action(async (patterns: string[], flags: SweepFlags) => {
      const { method, json, quiet, ...rest } = flags;
      const command: SweepCommand = {
        ...rest,
        patterns,
        method: method ?? (rest.rule === undefined ? DEFAULTS.method : 'closed-form'),
        json: json ?? false,
        quiet: quiet ?? false,
      };
      checkSweep(command);
      finish(await sweepCommand(command, await host.library(), terminal, signal, host.version));
    });

  program
    .command('worker')
    .description('Take networks from a queue that sweeps fill, until it is told to end.')
    .requiredOption('--queue <url>', 'the address of a Redis server, such as redis://host:6379')
    .option('--jobs <n>', 'networks at a time, in processes of their own (default: 1)', positiveInteger)
    .option('--threads <n>', 'threads of each (default: they share one per core)', positiveInteger)
    .option(
      '--heartbeat <s>',
      'seconds without a sign of life after which a worker is dead (default: 30)',
      positive,
    )
    .option('--idle <s>', 'seconds without work after which it ends (default: never)', positive)
    .option('--quiet', 'say nothing of what is done')
    .action(async (flags: WorkerCommand) => {
      finish(await workerCommand(flags, terminal, signal, host.version));
    });

  program
    .command('report')
    .description('Show what sweeps have found, as a table, or as an image of bounds against steps.')
    .argument('<FILES...>', 'files of lines from sweep')
    .option(
      '--plot <file>',
      'where to draw bounds against steps, products of norms and lower bounds beside, as SVG',
    )
    .option('--csv <file>', 'where to write one row for each network')
    .option('--json', 'print one JSON document instead of text')
    .action(async (files: string[], flags: Omit<ReportCommand, 'files'>) => {
      finish(await reportCommand({ ...flags, files, json: flags.json ?? false }, terminal));
    });

  withCertifyOptions(withEngineOptions(withNetworkOptions(program.command('certify')))).action(
    async (file: string, flags: CertifyFlags) => {
      const { json, quiet, normalized, maxRadius, labels, ...rest } = flags;
      const command: CertifyCommand = {
        ...rest,
        file,
        // What Commander makes of an option that can be turned off, where nobody does.
        ...(labels !== undefined && labels !== true && { labels }),
        maxRadius: maxRadius ?? rest.radius === undefined,
        normalized: normalized ?? false,
        json: json ?? false,
        quiet: quiet ?? false,
      };
      checkCertify(command);
      finish(await certifyCommand(command, await host.library(), terminal, signal, host.version));
    },
  );

  withDifferenceOptions(
    withEngineOptions(
      withNetworkOptions(program.command('difference').argument('<A>', 'a model, as FILE is one')),
    ),
  ).action(async (a: string, b: string, flags: DifferenceFlags) => {
    const { json, quiet, ...rest } = flags;
    const command: DifferenceCommand = { ...rest, a, b, json: json ?? false, quiet: quiet ?? false };
    checkDifference(command);
    const { since = performance.now() } = host;
    const call = { signal, since };
    finish(await differenceCommand(command, await host.library(), terminal, call, host.version));
  });

  withNetworkOptions(program.command('inspect'))
    .description('Show the layers of the network in FILE, and what bounding it would take.')
    .action(async (file: string, flags: Flags) => {
      const command = { ...flags, file, json: flags.json ?? false };
      finish(await inspectCommand(command, await host.library(), terminal));
    });

  program
    .command('describe')
    .description('Propose an architecture for the weights in FILE, as JSON to be completed and bounded.')
    .argument('<FILE>', 'weights: .pth, .pt, .ckpt, .safetensors, .npz, .mat or .h5')
    .action(async (file: string) => {
      finish(await describeCommand(file, await host.library(), terminal));
    });

  withNetworkOptions(
    program.command('verify').argument('<CERTIFICATE>', 'a file or a folder from --certificate'),
  )
    .argument('[SECOND]', 'of a certificate of `difference`: the second network')
    .description('Check that CERTIFICATE proves what it claims of the network in FILE.')
    .action(async (certificate: string, file: string, second: string | undefined, flags: Flags) => {
      const both = { file, ...(second !== undefined && { second }) };
      const command = { ...flags, certificate, ...both, json: flags.json ?? false };
      finish(await verifyCommand(command, await host.library(), terminal, signal));
    });

  withEngineOptions(withNetworkOptions(program.command('export-gradient')))
    .description('Write how the bound of the network in FILE changes with its weights, as arrays in .npz.')
    .requiredOption('--out <file>', 'where to write it, such as gradient.npz')
    .option(
      '--target <what>',
      'what is bounded: global, margins (all together), or two outputs such as 3,5',
      target,
    )
    .option(
      '--evaluations <n>',
      `gradient evaluations of the search for multipliers at most (default: ${DEFAULTS.evaluations})`,
      count,
    )
    .option(
      '--time-limit <s>',
      `seconds for the search at most (default: ${DEFAULTS.timeLimit})`,
      nonnegative,
    )
    .option('--multipliers <file>', 'where the search starts, from --save-multipliers')
    .option('--save-multipliers <file>', 'where to write the multipliers that the gradient is of')
    .option('--at <file>', 'with --radius: of the bound near the point in the file, as `bound` has it')
    .option('--radius <r>', 'how far from the point', nonnegative)
    .addOption(kindOption())
    .option('--domain <low,high>', 'of the bound where every entry of the input keeps to this', range)
    .action(async (file: string, flags: Omit<ExportGradientCommand, 'file'>) => {
      const command = { ...flags, file, json: flags.json ?? false };
      checkGradient(command);
      finish(await exportGradientCommand(command, await host.library(), terminal, signal));
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

  program
    .command('completion')
    .description(
      'Print a script by which a shell completes command lines; its first lines say what to do with it.',
    )
    .addArgument(new Argument('<SHELL>', 'the shell').choices(SHELLS))
    .action((shell: Shell) => {
      printLines(terminal.stdout, completionScript(shell, program).replace(/\n$/, '').split('\n'));
    });

  program
    .command('help')
    .description('Print what there is to say of COMMAND, or of all commands.')
    .argument('[COMMAND]', 'its name')
    .action((name: string | undefined) => {
      const command = name === undefined ? program : program.commands.find((c) => c.name() === name);
      if (!command) throw new UsageError(`unknown command '${name}'; commands: ${COMMANDS}`);
      command.outputHelp();
    });

  for (const command of program.commands) nameOptionsWhenUnknown(command);
  return program;
}

/** What is asked of a network, in every command that bounds. */
function withBoundOptions(command: Command): Command {
  const [signals, images] = DEFAULTS.cellTolerance;
  return command
    .addOption(new Option('--method <name>', `method to run (default: ${DEFAULTS.method})`).choices(METHODS))
    .addOption(new Option('--rule <name>', 'the one closed-form rule to run').choices(RULE_NAMES))
    .option(
      '--target <what>',
      'what the search makes small: global, margins, or two outputs such as 3,5',
      target,
    )
    .addOption(inputNorm())
    .addOption(outputNorm())
    .option(
      '--weights <file>',
      'units of the input, entry by entry, .npy or the array x of an .npz; with --norm inf the half widths of a box',
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
      '--gap <x>',
      `with --method exact: how near to the constant is near enough, relative (default: ${DEFAULTS.gap.toExponential()})`,
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
    );
}

function withCertifyOptions(command: Command): Command {
  return command
    .description('Certify that labels stay within balls around samples, for the network in FILE.')
    .requiredOption(
      '--data <file>',
      'samples: .npz, .npy, .safetensors, IDX, CIFAR binary, or a folder of PNG images',
    )
    .option('--inputs <name>', 'the array of inputs (default: x)')
    .option(
      '--labels <name>',
      'the array of labels (default: y), or a file where the inputs are alone in theirs',
    )
    .option('--no-labels', 'there are none: certify that predictions stay')
    .option('--first <n>', 'only the first samples', positiveInteger)
    .option('--radius <r...>', 'radii, such as 0.5,1 or 8/255', radii)
    .addOption(
      new Option(
        '--norm <which>',
        `of radii: 2, or inf where every entry moves by at most the radius (default: ${CERTIFY_DEFAULTS.norm})`,
      ).choices(BALL_NORMS),
    )
    .option('--max-radius', 'the largest radius of each sample (default: where no --radius is given)')
    .option(
      '--mean <m...>',
      'with --std: inputs of the network are (pixel − mean) / std, and radii are in pixels',
      channels,
    )
    .option('--std <s...>', 'one number, or one for each channel', channels)
    .option('--normalized', 'the data are (pixel − mean) / std already')
    .option('--clip <low,high>', 'limits that every pixel keeps, such as 0,1', range)
    .option('--no-regions', 'bounds of the whole network alone: quick, no proofs around samples')
    .option(
      '--evaluations <n>',
      `evaluations of the moving centre for a pair of outputs at most; 0: closed forms alone (default: ${CERTIFY_DEFAULTS.evaluations})`,
      count,
    )
    .option('--time-limit <s>', 'seconds for one sample (default: none)', positive)
    .option(
      '--starts <n>',
      `starting points of the attack; 0: no attack (default: ${CERTIFY_DEFAULTS.attackStarts})`,
      count,
    )
    .option('--seed <n>', `of the attack's starting points (default: ${CERTIFY_DEFAULTS.seed})`, count)
    .option('--csv <file>', 'where to write one line for each sample')
    .option('--plot <file>', 'where to draw accuracy against the radius, as SVG')
    .option('--certificate <dir>', 'where to write a certificate of every certified sample, for `verify`')
    .option('--resume <file>', 'keeps results as they come, and goes on from them')
    .option('--quiet', 'print the table alone, and no progress');
}

function inputNorm(): Option {
  const what = `how changes of the input are measured (default: ${DEFAULTS.norm})`;
  return new Option('--norm <which>', what).choices(NORMS);
}

function outputNorm(): Option {
  const what = `and those of the output (default: ${DEFAULTS.outputNorm})`;
  return new Option('--output-norm <which>', what).choices(NORMS);
}

function withDifferenceOptions(command: Command): Command {
  return command
    .description('Bound the difference of two networks: of A and that in FILE, on the same input.')
    .addOption(inputNorm())
    .addOption(outputNorm())
    .option(
      '--at <file>',
      'with --radius: also near the point in the file, .npy or the array x of an .npz, and how far apart they are there',
    )
    .option('--radius <r>', 'how far from the point', nonnegative)
    .option(
      '--evaluations <n>',
      `gradient evaluations of each search at most (default: ${DEFAULTS.evaluations})`,
      count,
    )
    .option(
      '--tolerance <x>',
      `relative gain over ten steps under which a search ends (default: ${DEFAULTS.tolerance.toExponential()})`,
      nonnegative,
    )
    .option(
      '--time-limit <s>',
      `seconds after which the bound for all inputs is there, with the best by then (default: ${DEFAULTS.timeLimit})`,
      nonnegative,
    )
    .option('--no-lower', 'leave out the sampled lower bound of the slope')
    .option('--seed <n>', `of the points that are sampled (default: ${DEFAULTS.seed})`, count)
    .option('--certificate <file>', 'where to write a certificate of the bound for all inputs, for `verify`')
    .option('--quiet', 'print the numbers alone, and no progress');
}

function withNetworkOptions(command: Command): Command {
  return withModelOptions(
    command.argument('<FILE>', 'a model: ONNX, Keras, TensorFlow.js, .nnet, or JSON beside weights'),
  );
}

function withModelOptions(command: Command): Command {
  return command
    .option(
      '--input-shape <sides>',
      'input without the batch axis, such as 1x28x28, if the file leaves it open',
      shape,
    )
    .option('--output <name>', 'output to look at, if the file has several')
    .addOption(
      new Option(
        '--units <which>',
        'of .nnet files: per unit of normalized or of physical inputs and outputs (default: normalized)',
      ).choices(UNITS),
    )
    .option(
      '--input <name>',
      'the input to look at, if the file has several; the others are fixed (default: all together)',
    )
    .option(
      '--fix <name=file>',
      'hold an input at the numbers in a file, .npy or the array x of an .npz (once for each)',
      fixes,
    )
    .option('--batch <n>', 'the size of the batch, 1, if the file leaves it open and a layer needs it', one)
    .option('--json', 'print one JSON document instead of text');
}

function kindOption(): Option {
  const what =
    'with --at: between any two points near it, or between it and any other (default: incremental)';
  return new Option('--kind <name>', what).choices(['incremental', 'anchored']);
}

function withEngineOptions(command: Command): Command {
  return command
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
    );
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
      message:
        'command: bound, certify, difference, sweep, worker, report, inspect, describe, verify, export-gradient, export-sdp or solve-sdp, got none; see lipsoid --help',
    };
  }
  const commands = error.code === 'commander.unknownCommand' ? `; commands: ${COMMANDS}` : '';
  return { kind: 'input', message: plain(error) + commands };
}

function plain(error: CommanderError): string {
  return error.message.replace(/^error: /, '').replaceAll('\n', ' ');
}
