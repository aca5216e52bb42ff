/** Runs one way in which a WebSocket can end through a simulated gateway. */
import assert from "node:assert/strict";
import { Simulation } from "../../src/gateway/simulation.fixture.ts";
import { StreamClient } from "../../src/gateway/client/stream-wire.fixture.ts";
import { acceptFor } from "../../src/websocket/accept.ts";
import { answering, incomplete } from "../../src/gateway/wire.fixture.ts";
import type { Wire } from "../../src/gateway/wire.fixture.ts";
import { writeFrame } from "../../src/websocket/frame-writer.ts";
import { Endpoint } from "./endpoint.ts";
import type { End, Step } from "./ends.ts";

const switching = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n";
const overHttp2 = "http2 on; http2_extended_connect on; accept_extended_connect on;";
const handshake =
  "GET /chat HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Version: 13\r\n\r\n";
const format =
  "log_format record escape=none '$websocket_closed_by|$websocket_close_code|$websocket_close_reason|$websocket_close_cause|" +
  "$websocket_duration|$websocket_messages_received $websocket_messages_sent $websocket_bytes_received $websocket_bytes_sent';\n";

/** What became of a WebSocket. */
export interface Outcome {
  /** "by|code|reason|cause"; the cause's file and line are left out but for `:line`. */
  readonly record: string;
  readonly seconds: number;
  /** Messages and payload bytes: received, sent, received, sent. */
  readonly counts: string;
  readonly client: string;
  readonly server: string;
  readonly clientTexts: readonly string[];
  readonly serverTexts: readonly string[];
  /** Level of the line in the error log. */
  readonly level: string;
}

/** The `http` block of a row. */
export function httpOf(directives: string, port = 9000): string {
  return `${format}server {
    listen 10.0.0.1:80; ${overHttp2}
    location / {
      proxy_pass http://10.0.0.9:${port};
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection upgrade;
      websocket_log w.log record;
      ${directives.split("; ").join(";\n")}
    }
  }`;
}

/** How the client's handshake comes. */
export type Arrival = "HTTP/1.1" | "HTTP/2";

/** Lets it happen. */
export async function play(end: End, arrival: Arrival): Promise<Outcome> {
  const simulation = await Simulation.start({ http: httpOf(end.directives) });
  const servers: Wire[] = [];
  await simulation.origin(9000, (wire) => {
    wire.endsAlong = false;
    answering(wire, ({ fields }) => {
      servers.push(wire);
      wire.onBytes = null;
      const accept = acceptFor(fields.get("sec-websocket-key") ?? "");
      return `${switching}Sec-WebSocket-Accept: ${accept}\r\n${end.answerFields ?? ""}\r\n`;
    });
  });
  const wire = await open(simulation, arrival);
  simulation.accessLines.length = 0;
  const client = new Endpoint(wire, "client");
  const server = new Endpoint(servers[0]!, "server");
  for (const step of end.happens) await take(step, { simulation, client, server });
  await simulation.until(() => simulation.gateway.tunnels.size === 0);
  await simulation.advance(20_000);
  const outcome = tell(simulation, client, server);
  await simulation.finish();
  return outcome;
}

async function open(simulation: Simulation, arrival: Arrival): Promise<Wire> {
  if (arrival === "HTTP/2") {
    const opening = new StreamClient(simulation).open();
    opening.wire.endsAlong = false;
    await simulation.until(() => opening.answered);
    return opening.wire;
  }
  const wire = simulation.client();
  wire.endsAlong = false;
  wire.send(handshake);
  await simulation.until(() => wire.take() !== incomplete);
  return wire;
}

interface Stage {
  readonly simulation: Simulation;
  readonly client: Endpoint;
  readonly server: Endpoint;
}

async function take(step: Step, stage: Stage): Promise<void> {
  const { simulation } = stage;
  const [who, what, detail = ""] = step;
  if (who === "time") await simulation.advance(what * 1000);
  else if (who === "gateway") {
    if (what === "stops") void simulation.gateway.stopGracefully(detail === "" ? 0 : Number(detail) * 1000);
    else if (what === "drops") simulation.gateway.stopNow();
    else await simulation.configure(httpOf(detail, what === "reloads" ? 9000 : 9001));
  } else act(stage[who], what, detail);
  await simulation.advance(20);
}

function act(end: Endpoint, what: string, detail: string): void {
  const { wire, mask } = end;
  const [code = "1005", ...words] = detail.split(" ");
  if (what === "says") end.text(detail);
  else if (what === "closes") end.close(detail === "" ? 1005 : Number(code), words.join(" "));
  else if (what === "begins") wire.send(writeFrame(1, Buffer.from(detail), { mask }).subarray(0, -1));
  else if (what === "fragments") end.text(detail, false);
  else if (what === "continues") end.text(detail, false, 0);
  else if (what === "sends") wire.send(Buffer.from(detail.replaceAll(" ", ""), "hex"));
  else if (what === "ends") wire.end();
  else if (what === "resets") wire.connection!.reset();
  else if (what === "freezes") end.freeze();
  else if (what === "ignores") end.stubborn = true;
  else assert.fail(what);
}

function tell(simulation: Simulation, client: Endpoint, server: Endpoint): Outcome {
  const records = simulation.accessLines.filter((line) => line.split("|").length === 6);
  assert.equal(records.length, 1, simulation.accessLines.join("\n"));
  const [by, code, reason, cause = "", seconds, counts = ""] = records[0]!.split("|");
  const lines = simulation.errorLines.filter((line) => line.includes("proxying upgraded connection"));
  assert.equal(lines.length, 1, lines.join("\n"));
  return {
    record: [by, code, reason, cause.replaceAll("/simulated/nginx.conf", "")].join("|"),
    seconds: Math.round(Number(seconds)),
    counts,
    client: client.saw,
    server: server.saw,
    clientTexts: client.texts,
    serverTexts: server.texts,
    level: /\[(\w+)\]/.exec(lines[0]!)![1]!,
  };
}
