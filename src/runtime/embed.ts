import { DiskFiles } from "../config/files.ts";
import type { CommandLine, Remark } from "../config/command-line.ts";
import { ErrorLog } from "../gateway/log/error-log.ts";
import { DiskLogFiles } from "../gateway/log/disk-log-files.ts";
import { LogDraft } from "../gateway/log/log-draft.ts";
import type { LogFiles } from "../gateway/log/log-files.ts";
import type { Launch } from "../gateway/serve/launch.ts";
import { systemNetwork } from "../net/choose.ts";
import type { SocketAddress } from "../net/connection.ts";
import type { Network } from "../net/network.ts";
import { startReading } from "./configuration.ts";
import type { Configuration, Reading } from "./configuration.ts";
import { LoneServing } from "./lone-serving.ts";

/** What a gateway inside this process is started with. */
export interface GatewayOptions {
  /** Text of the configuration; takes the place of a file. */
  readonly config?: string;
  /** Path of the configuration file. With `config`: the name that messages call it by. */
  readonly configFile?: string;
  /** Where relative paths begin; the current directory by default. */
  readonly prefix?: string;
  /** Sockets and time; the system's by default. A simulated network makes tests repeatable. */
  readonly network?: Network;
  /** Where the lines of `access_log` and `error_log` go; the files that they name by default. */
  readonly logs?: LogFiles;
}

/** A gateway that runs inside this process. */
export interface RunningGateway {
  /** The addresses that are listened on; for `listen 127.0.0.1:0`, with the port that the system has chosen. */
  readonly addresses: readonly SocketAddress[];
  /** What the configuration was warned about. */
  readonly remarks: readonly Remark[];
  /**
   * Takes over another text (or reads the file again). Connections and tunnels go on.
   * @throws ConfigError, or Error with `code` for an address in use: the old configuration stays then; Error
   * when the gateway was told to end
   */
  reload(config?: string): Promise<void>;
  /** Stops listening, lets running requests and tunnels end. */
  quit(): Promise<void>;
  /** Drops everything. */
  stop(): Promise<void>;
}

/**
 * Starts a gateway in this process.
 * @throws ConfigError for a configuration that cannot be used; Error with `code` for an address in use
 */
export async function startGateway(options: GatewayOptions): Promise<RunningGateway> {
  const gateway = new EmbeddedGateway(options);
  await gateway.apply(options.config);
  return gateway;
}

class EmbeddedGateway implements RunningGateway {
  private readonly options: GatewayOptions;
  private readonly network: Network;
  private readonly logs: LogFiles;
  /** Those that are not somebody else's. */
  private readonly ownLogs: DiskLogFiles | null;
  private readonly errorLog: ErrorLog;
  private readonly lone: LoneServing;
  private configuration: Configuration | null = null;
  private hasEnded = false;
  private lastReading: Reading | null = null;

  constructor(options: GatewayOptions) {
    this.options = options;
    this.network = options.network ?? systemNetwork();
    const folder = `${this.commandLine().prefix}logs/`;
    this.ownLogs = options.logs === undefined ? new DiskLogFiles(this.network.clock, folder) : null;
    this.logs = options.logs ?? this.ownLogs!;
    this.errorLog = new ErrorLog([{ sink: this.logs.stderr, level: "error" }], this.network.clock);
    if (this.logs instanceof DiskLogFiles) this.logs.reportTo(this.errorLog);
    const { network, logs, errorLog } = this;
    this.lone = new LoneServing({ network, logs, errorLog, launch: this.launch() });
  }

  get addresses(): readonly SocketAddress[] {
    return this.lone.serving.listeners.addresses;
  }

  get remarks(): readonly Remark[] {
    return this.lastReading?.remarks ?? [];
  }

  async apply(text: string | undefined): Promise<void> {
    const draft = new LogDraft(this.errorLog, this.ownLogs);
    try {
      await this.takeOver(text);
    } catch (error) {
      draft.discard();
      throw error;
    }
    draft.adopt();
  }

  private async takeOver(text: string | undefined): Promise<void> {
    const commandLine = this.commandLine();
    const reading = startReading(
      text === undefined ? new DiskFiles() : new TextFiles(commandLine.configFile, text),
    );
    this.lastReading = reading;
    const candidate = await this.lone.read(reading, commandLine);
    await this.lone.takeOver(candidate);
    this.configuration = candidate.configuration;
  }

  async reload(config?: string): Promise<void> {
    if (this.hasEnded) throw new Error("the gateway was told to end: it cannot be reloaded");
    await this.apply(config ?? this.options.config);
  }

  async quit(): Promise<void> {
    const { serving } = this.lone;
    this.hasEnded = true;
    await serving.quit(this.configuration?.main.workerShutdownTimeoutMs ?? 0);
    serving.end();
  }

  async stop(): Promise<void> {
    const { serving } = this.lone;
    this.hasEnded = true;
    await serving.stop();
    serving.end();
  }

  private launch(): Launch {
    return {
      byRoot: process.geteuid?.() === 0,
      honoursUser: false,
      userWarning:
        'the "user" directive has no effect in an embedded gateway: it never changes the user of its process',
      isEmbedded: true,
      // Nobody who embeds a gateway asked for a folder of logs.
      logsByDefault: this.ownLogs === null,
    };
  }

  private commandLine(): CommandLine {
    const prefix = latin1(this.options.prefix ?? process.cwd()).replace(/\/?$/, "/");
    const file = latin1(this.options.configFile ?? "nginx.conf");
    return {
      configFile: file.startsWith("/") ? file : prefix + file,
      configFileGiven: this.options.configFile !== undefined,
      prefix,
      globals: "",
      errorLog: "stderr",
      testOnly: false,
      dump: false,
      quiet: true,
      signal: null,
    };
  }
}

/** The system's files, one of which is a text at hand. */
class TextFiles extends DiskFiles {
  private readonly path: string;
  private readonly text: string;

  constructor(path: string, text: string) {
    super();
    this.path = path;
    this.text = latin1(text);
  }

  override read(path: string): string {
    return path === this.path ? this.text : super.read(path);
  }
}

/** Configurations hold one character per byte. */
function latin1(text: string): string {
  return Buffer.from(text, "utf8").toString("latin1");
}
