/** The client's end of a WebSocket over HTTP/2 in a simulation, as a wire like any other. */
import { Fields } from "../../http/fields.ts";
import type { ResponseHead } from "../../http/response-head.ts";
import { AnswerOwner } from "../../http2/echo.fixture.ts";
import type { Http2Stream } from "../../http2/stream.ts";
import type { Simulation } from "../simulation.fixture.ts";
import { FlowingStream } from "../tunnel/stream-network.fixture.ts";
import { Wire } from "../wire.fixture.ts";
import { Http2SimulatedClient } from "./http2-client.fixture.ts";

/** An extended CONNECT that was sent. */
export class Opening extends AnswerOwner {
  /** What the tunnel brings, once there is one. */
  readonly wire: Wire;
  readonly stream: Http2Stream;
  private readonly client: Http2SimulatedClient;

  constructor(client: Http2SimulatedClient, fields: Fields, early: Buffer, protocol: string) {
    super();
    this.client = client;
    this.wire = new Wire(client.clock);
    const start = { method: "CONNECT", scheme: "http", authority: "a", path: "/", connectProtocol: protocol };
    this.stream = client.session.open(start, fields, false, this)!;
    if (early.length > 0) this.stream.sendData(early, 0, early.length, false);
    client.session.flush();
  }

  /** The answer has come. */
  get answered(): boolean {
    return this.answer.status !== 0 || this.answer.reset !== null;
  }

  override onHead(stream: Http2Stream, head: ResponseHead, ended: boolean): void {
    super.onHead(stream, head, ended);
    if (head.status !== 200) return;
    const { clock } = this.client;
    const report = (error: unknown): never => {
      throw error;
    };
    const socket = this.client.wire.connection!;
    const tunnel = new FlowingStream(stream, { socket, clock, lostBy: null, reportInternalError: report });
    this.wire.opened(tunnel);
    tunnel.begin(this.wire);
  }
}

const handshakeFields = { "sec-websocket-version": "13", origin: "http://a" };

/** Opens WebSockets on one connection, without waiting for the answers. */
export class StreamClient {
  readonly client: Http2SimulatedClient;

  constructor(simulation: Simulation) {
    this.client = new Http2SimulatedClient(simulation);
  }

  open(
    fields: Readonly<Record<string, string>> = handshakeFields,
    early: Buffer = Buffer.alloc(0),
    protocol = "websocket",
  ): Opening {
    const all = new Fields();
    for (const [name, value] of Object.entries(fields)) all.add(name, value);
    return new Opening(this.client, all, early, protocol);
  }
}
