import type { ConnectionOwner } from "../net/connection.ts";
import type { Network } from "../net/network.ts";

const retryMs = 50;

const nobody: ConnectionOwner = { onData() {}, onEnd() {}, onDrain() {}, onClose() {} };

/** Resolves with true when 127.0.0.1:`port` accepts a connection, with false when `signal` gives up first. */
export function accepts(network: Network, port: number, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const dial = (): void => {
      if (signal.aborted) return;
      network.dial(
        { endpoint: { kind: "tcp", address: "127.0.0.1", port }, tls: null },
        {
          onConnected(connection) {
            connection.close();
            resolve(true);
            return nobody;
          },
          onFailed: () => void network.clock.timer(retryMs, dial),
        },
      );
    };
    signal.addEventListener("abort", () => resolve(false));
    dial();
  });
}

/** Where everything of a quick start is. */
export interface Places {
  readonly plain: number;
  readonly tls: number;
  readonly backends: readonly number[];
  readonly configFile: string;
  /** Whom the process belongs to. */
  readonly user: string;
  /** A port of the configuration that was taken, and the one used instead. */
  readonly moved: readonly (readonly [taken: number, used: number])[];
}

/** What a person needs to know once the gateway runs. */
export function announcement({ plain, tls, backends, configFile, user, moved }: Places): string {
  const lines = [
    "",
    "  Longhaul is running. Open one of these and send a message:",
    "",
    `    http://127.0.0.1:${plain}/      a page that opens a WebSocket through the gateway (ws)`,
    `    https://127.0.0.1:${tls}/     the same over TLS (wss); the certificate is self-made, so accept it`,
    "",
    `  For other clients:   ws://127.0.0.1:${plain}/sticky    wss://127.0.0.1:${tls}/in-turn`,
    `  What cuts a tunnel:  its line comes here, at [warn]: on ws://127.0.0.1:${plain}/impatient after 10 s of silence`,
    `  Two backends:        ${backends.map((port) => `127.0.0.1:${port}`).join("  ")}`,
    `  The configuration:   ${configFile}`,
    `  Runs as user:        ${user}${user === "root" ? ' (root started it: "user root;" in its configuration)' : ""}`,
  ];
  for (const [taken, used] of moved) lines.push(`  Port ${taken} is taken: ${used} is used instead.`);
  lines.push("", "  Ctrl-C ends it.", "");
  return `${lines.join("\n")}\n`;
}
