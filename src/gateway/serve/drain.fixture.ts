/** WebSockets through a simulated gateway, for what happens to them when it goes away from them. */
import assert from "node:assert/strict";
import { FrameScanner } from "../../websocket/frames.ts";
import { Simulation } from "../simulation.fixture.ts";
import type { SimulationOptions } from "../simulation.fixture.ts";
import { answering, incomplete } from "../wire.fixture.ts";
import type { Wire } from "../wire.fixture.ts";

const handshake =
  "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Version: 13\r\n\r\n";
const switching = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\nConnection: upgrade\r\n\r\n";

/** A proxied location with `directives` of its own. */
export function websocketHttp(directives: string): string {
  return `
    server {
      listen 10.0.0.1:80;
      location / {
        proxy_pass http://10.0.0.9:9000;
        proxy_http_version 1.1;
        proxy_read_timeout 1h;
        proxy_set_header Upgrade $http_upgrade;
        proxy_set_header Connection upgrade;
        ${directives}
      }
    }`;
}

/** Both ends of a WebSocket behind the gateway. */
export interface Pair {
  readonly client: Wire;
  readonly server: Wire;
}

export interface Scene {
  readonly simulation: Simulation;
  readonly pairs: readonly Pair[];
}

/** A gateway with open WebSockets, whose ends do nothing by themselves. */
export async function openPairs(
  count: number,
  options: Partial<SimulationOptions> & { readonly directives?: string } = {},
): Promise<Scene> {
  const { directives = "", ...rest } = options;
  const simulation = await Simulation.start({ http: websocketHttp(directives), ...rest });
  const servers: Wire[] = [];
  await simulation.origin(9000, (wire) => {
    wire.endsAlong = false;
    answering(wire, () => {
      servers.push(wire);
      wire.onBytes = null;
      return switching;
    });
  });
  const pairs: Pair[] = [];
  for (let index = 0; index < count; index++) {
    const client = simulation.client();
    client.endsAlong = false;
    client.send(handshake);
    await simulation.until(() => client.take() !== incomplete);
    pairs.push({ client, server: servers[index]! });
  }
  return { simulation, pairs };
}

/** What one end has received: complete frames, and a close frame if one came. */
export function framesOf(wire: Wire, from: "client" | "server"): FrameScanner {
  const scanner = new FrameScanner({ from });
  const read = scanner.scan(wire.inbox, 0, wire.inbox.length);
  assert.equal(scanner.error, "");
  assert.equal(read, wire.inbox.length, "bytes came behind the close frame");
  return scanner;
}

/** When each client's close frame came, in virtual milliseconds; null where none did. */
export function watchCloses(simulation: Simulation, pairs: readonly Pair[]): (number | null)[] {
  const times: (number | null)[] = pairs.map(() => null);
  for (const [index, { client }] of pairs.entries()) {
    client.onBytes = () => {
      if (framesOf(client, "server").closeCode !== 0) times[index] ??= simulation.now;
    };
  }
  return times;
}
