import type { CommandLine } from "../config/command-line.ts";
import type { HttpModule } from "../gateway/build/http-module.ts";
import { PeerRows } from "../gateway/balance/peer-rows.ts";
import type { RowMap } from "../gateway/balance/peer-rows.ts";
import { PeerTable } from "../gateway/balance/peer-table.ts";
import type { ErrorLog } from "../gateway/log/error-log.ts";
import type { LogFiles } from "../gateway/log/log-files.ts";
import type { Launch } from "../gateway/serve/launch.ts";
import { SharedRegions } from "../gateway/zones/shared-memory.ts";
import type { Network } from "../net/network.ts";
import { readConfiguration } from "./configuration.ts";
import type { Configuration, Reading } from "./configuration.ts";
import { connectionLimits } from "./connection-limits.ts";
import { Serving } from "./serving.ts";

/** A configuration that could be put into use. */
export interface Candidate {
  readonly configuration: Configuration;
  /** Memory of its zones. */
  readonly regions: SharedRegions;
  readonly peerRows: PeerRows;
}

/**
 * Serves in one thread without a supervisor: reads configurations itself and binds its own sockets. An
 * embedded gateway is one, and so is a simulation.
 */
export class LoneServing {
  readonly serving: Serving;
  private readonly init: ConstructorParameters<typeof LoneServing>[0];
  /** Memory of the zones of the configuration in use. */
  private regions = new SharedRegions();
  /** State of the peers of all upstreams: those that stay keep theirs. */
  private readonly peers = new PeerTable(PeerRows.capacity);
  private rows: RowMap = new Map();

  constructor(init: {
    network: Network;
    logs: LogFiles;
    errorLog: ErrorLog;
    launch?: Launch;
    /** Modules beside the built-in ones. */
    modules?: readonly HttpModule[];
  }) {
    this.init = init;
    this.serving = new Serving(init);
  }

  /** @throws ConfigError for a configuration that cannot be used */
  async read(reading: Reading, commandLine: CommandLine): Promise<Candidate> {
    const { errorLog: mainErrorLog, ...rest } = this.init;
    const regions = new SharedRegions(this.regions.used);
    const peerRows = new PeerRows(this.peers, this.rows, true);
    const process = { shared: regions, worker: 0, peerRows, ticketSecret: null };
    const configuration = await readConfiguration(reading, { commandLine, mainErrorLog, process, ...rest });
    return { configuration, regions, peerRows };
  }

  /** Puts it into use. @throws BindError: the one before stays in use */
  async takeOver({ configuration, regions, peerRows }: Candidate): Promise<void> {
    const { listeners, gateway } = this.serving;
    await listeners.bind(configuration.http?.sockets ?? [], () => undefined);
    this.regions = regions;
    this.rows = peerRows.rows;
    // Sockets of its own are not given back to be given again.
    await this.serving.commit(configuration, connectionLimits(configuration, gateway.network.openSockets));
  }
}
