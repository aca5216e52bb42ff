/** WebSocket servers on the simulated network that say who they are, and clients that note what they get. */
import { acceptFor } from "../../websocket/accept.ts";
import { writeClose, writeFrame } from "../../websocket/frame-writer.ts";
import { MessageReader } from "../../websocket/message-reader.ts";
import { Simulation } from "../simulation.fixture.ts";
import type { SimulationOptions } from "../simulation.fixture.ts";
import { incomplete } from "../wire.fixture.ts";
import type { Message, Wire } from "../wire.fixture.ts";

export const mask = 0x0a0b0c0d;
const key = "dGhlIHNhbXBsZSBub25jZQ==";

/** One connection to a server. */
export interface Session {
  readonly wire: Wire;
  readonly handshake: Message;
  /** Messages that came whole. */
  readonly messages: string[];
  closeCode: number | null;
}

/** What a server answers to a handshake beyond the usual; a string takes the answer's place. */
export type Answering = (handshake: Message) => string;

/** A server that answers each message "text" with "name: text". */
export class Server {
  readonly name: string;
  readonly sessions: Session[] = [];
  /** Answers messages. */
  speaks = true;
  /** Answers handshakes. */
  answers = true;
  readonly more: Answering;
  stop: () => Promise<void> = () => Promise.resolve();

  constructor(name: string, more: Answering) {
    this.name = name;
    this.more = more;
  }

  get last(): Session {
    return this.sessions.at(-1)!;
  }

  /** Every message that this server got, over all sessions. */
  get messages(): string[] {
    return this.sessions.flatMap(({ messages }) => messages);
  }

  serve(wire: Wire): void {
    wire.onBytes = () => {
      const handshake = this.answers ? wire.take() : incomplete;
      if (handshake === incomplete) return;
      const answer = this.more(handshake);
      const whole = answer.startsWith("HTTP/");
      const accept = acceptFor(handshake.fields.get("sec-websocket-key") ?? "");
      const usual = `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n`;
      wire.send(whole ? answer : `${usual}${answer}\r\n`);
      if (!whole) this.open(wire, handshake);
    };
  }

  private open(wire: Wire, handshake: Message): void {
    const session: Session = { wire, handshake, messages: [], closeCode: null };
    this.sessions.push(session);
    readInto(wire, "client", session, (text) => {
      if (this.speaks) wire.send(writeFrame(1, Buffer.from(`${this.name}: ${text}`)));
    });
  }
}

/** A client, and what it got. */
export interface Visitor {
  readonly wire: Wire;
  readonly answer: Message;
  readonly messages: string[];
  closeCode: number | null;
  closeReason: string;
}

/** Reads frames off a wire as they come. */
function readInto(
  wire: Wire,
  from: "client" | "server",
  into: { readonly messages: string[]; closeCode: number | null; closeReason?: string },
  onMessage: (text: string) => void = () => {},
): void {
  const reader = new MessageReader(from, 1_000_000, {
    onMessage(data) {
      const text = data.toString();
      into.messages.push(text);
      onMessage(text);
    },
    onPing() {},
    onPong() {},
    onCloseFrame(code, reason) {
      into.closeCode = code;
      into.closeReason = reason;
      const answerMask = from === "server" ? mask : null;
      wire.send(writeClose(code, "", answerMask));
      if (from === "client") wire.end();
    },
    onViolation(code, error) {
      throw new Error(`${from} broke the framing: ${code} ${error}`);
    },
  });
  const read = (): void => {
    const bytes = wire.takeBytes();
    reader.read(bytes, 0, bytes.length);
  };
  wire.onBytes = read;
  read();
}

export interface Stage {
  readonly simulation: Simulation;
  readonly servers: readonly Server[];
}

export interface StageOptions extends Partial<SimulationOptions> {
  readonly directives?: string;
  /** In the http block. */
  readonly before?: string;
  readonly names?: readonly string[];
  readonly answering?: Answering;
  /** In the upstream block. */
  readonly method?: string;
  /** Of the servers; all by default. */
  readonly listed?: readonly string[];
}

/** "10.0.0.9:9000" for the first server, and so on. */
const portOf = (index: number): number => 9000 + index;

/** The http block that passes WebSockets on to the servers that are listed. */
export function httpFor({
  directives = "websocket_failover on;",
  method = "",
  ...options
}: StageOptions): string {
  const { names = ["a", "b", "c"], listed = names } = options;
  const lines = names.flatMap((name, index) =>
    listed.includes(name) ? [`server 10.0.0.9:${portOf(index)};`] : [],
  );
  return `${options.before ?? ""} upstream all { ${method} ${lines.join(" ")} }
    server { listen 10.0.0.1:80; location / { websocket on; ${directives} proxy_pass http://all; } }`;
}

/** A gateway before servers of these names. */
export async function stage(options: StageOptions = {}): Promise<Stage> {
  const { names = ["a", "b", "c"], answering = () => "" } = options;
  const simulation = await Simulation.start({ http: httpFor(options), ...options });
  const servers: Server[] = [];
  for (const [index, name] of names.entries()) {
    const server = new Server(name, answering);
    const origin = await simulation.origin(portOf(index), (wire) => server.serve(wire));
    server.stop = () => origin.stop();
    servers.push(server);
  }
  return { simulation, servers };
}

/** A client whose WebSocket is open. */
export async function visit(simulation: Simulation, path = "/", more = ""): Promise<Visitor> {
  const wire = simulation.client();
  wire.send(
    `GET ${path} HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n` +
      `Sec-WebSocket-Key: ${key}\r\n${more}\r\n`,
  );
  let answer: Message | typeof incomplete = incomplete;
  await simulation.until(() => (answer = wire.take({ headOnly: true })) !== incomplete);
  const visitor: Visitor = {
    wire,
    answer: answer as unknown as Message,
    messages: [],
    closeCode: null,
    closeReason: "",
  };
  readInto(wire, "server", visitor);
  return visitor;
}

/** Sends a text message. */
export function say(visitor: Visitor, text: string): void {
  visitor.wire.send(writeFrame(1, Buffer.from(text), { mask }));
}

/** The server that a visitor's WebSocket leads to: the one with an open session. */
export function serverOf({ servers }: Stage): Server {
  const open = servers.filter(({ sessions }) => sessions.some(({ wire }) => !wire.finished));
  if (open.length !== 1) throw new Error(`${open.length} servers have a session`);
  return open[0]!;
}
