import net from "node:net";
import tls from "node:tls";
import type { Dial, DialEvents, DialOptions } from "../network.ts";
import type { InternalErrorHook } from "../guard.ts";
import { addressOfEndpoint, localOf, unnamedUnixAddress } from "./address.ts";
import type { SocketCount } from "../socket-count.ts";
import { DialSession } from "../session-store.ts";
import { tooDeepCode } from "../verify-depth.ts";
import { NodeConnection } from "./connection.ts";
import { readsIntoSharedBuffer, sharedOnread } from "./sockets.ts";
import { exceedsDepth, nodeContext } from "./tls-context.ts";
import { NodeTlsInfo } from "./tls-info.ts";
import { runtimePath } from "../unix-path.ts";

/** One attempt to connect; ends with a connection, a failure, or `abort`. */
export class NodeDial implements Dial {
  private readonly options: DialOptions;
  private readonly events: DialEvents;
  private readonly sockets: SocketCount;
  private readonly onInternalError: InternalErrorHook;
  private raw: net.Socket | null = null;
  private secured: tls.TLSSocket | null = null;
  private session: DialSession | null = null;
  private done = false;
  private readonly onError = (error: NodeJS.ErrnoException): void => this.fail(error);
  private readonly onClose = (): void => {
    this.fail(Object.assign(new Error("peer closed connection"), { code: "ECONNRESET" }));
  };

  constructor(
    options: DialOptions,
    events: DialEvents,
    sockets: SocketCount,
    onInternalError: InternalErrorHook,
  ) {
    this.options = options;
    this.events = events;
    this.sockets = sockets;
    sockets.open += 1;
    this.onInternalError = onInternalError;
    try {
      this.connect();
    } catch (error) {
      process.nextTick(() => this.fail(error as NodeJS.ErrnoException));
    }
  }

  abort(): void {
    if (this.done) return;
    this.finish();
    this.drop();
  }

  private connect(): void {
    const raw = net.connect(this.connectOptions());
    this.raw = raw;
    this.watch(raw);
    raw.once("connect", () => {
      if (this.done) return;
      if (this.options.tls === null) this.succeed(raw, raw);
      else this.guarded(() => this.secure(raw));
    });
  }

  private connectOptions(): net.NetConnectOpts {
    const { endpoint, localAddress, localPort, tls: clientTls } = this.options;
    const common: net.SocketConstructorOpts & { onread?: net.OnReadOpts } = { allowHalfOpen: true };
    if (clientTls === null && readsIntoSharedBuffer) common.onread = sharedOnread;
    if (endpoint.kind === "unix") return { ...common, path: runtimePath(endpoint.path) };
    const options: net.TcpNetConnectOpts = {
      ...common,
      host: endpoint.address,
      port: endpoint.port,
      noDelay: true,
    };
    if (localAddress !== undefined) options.localAddress = localAddress;
    if (localPort !== undefined) options.localPort = localPort;
    return options;
  }

  private secure(raw: net.Socket): void {
    const { tls: clientTls } = this.options;
    if (clientTls === null) return;
    const { verifyName, serverName } = clientTls;
    const context = nodeContext(clientTls.context);
    if (clientTls.reuseSessions === true)
      this.session = new DialSession(context.sessions, this.options.endpoint, clientTls);
    const { session } = this;
    const known = session?.get();
    const options: tls.ConnectionOptions & { allowHalfOpen: true } = {
      socket: raw,
      allowHalfOpen: true,
      secureContext: verifyName === null ? context.secure : context.verifying,
      rejectUnauthorized: verifyName !== null,
      servername: serverName ?? "",
      checkServerIdentity: (_host, certificate) =>
        verifyName === null ? undefined : tls.checkServerIdentity(verifyName, certificate),
    };
    if (known !== undefined) options.session = known;
    if (clientTls.alpn.length > 0) options.ALPNProtocols = [...clientTls.alpn];
    const socket = tls.connect(options);
    this.secured = socket;
    this.watch(socket);
    // With TLS 1.3 they come after the handshake.
    if (session !== null) socket.on("session", (bytes) => session.keep(bytes));
    socket.once("secureConnect", () => this.succeed(socket, raw));
    this.events.onHandshake?.();
  }

  private watch(socket: net.Socket): void {
    socket.on("error", this.onError);
    socket.on("close", this.onClose);
  }

  /** The connection has listeners of its own; this attempt and what waited for it are not kept alive. */
  private unwatch(socket: net.Socket, raw: net.Socket): void {
    socket.off("error", this.onError);
    socket.off("close", this.onClose);
    if (raw === socket) return;
    raw.on("error", ignoreError);
    raw.off("error", this.onError);
    raw.off("close", this.onClose);
  }

  private succeed(socket: net.Socket, raw: net.Socket): void {
    if (this.done) return;
    const { endpoint, tls: clientTls } = this.options;
    const info =
      clientTls === null || this.secured === null
        ? null
        : new NodeTlsInfo(this.secured, { serverName: clientTls.serverName, certificatesWanted: true });
    if (clientTls !== null && info !== null && exceedsDepth(clientTls, info))
      return this.fail(Object.assign(new Error("certificate chain too long"), { code: tooDeepCode }));
    this.session?.accept();
    this.finish();
    const remote = addressOfEndpoint(endpoint);
    const local = endpoint.kind === "unix" ? unnamedUnixAddress : (localOf(raw) ?? remote);
    const connection = new NodeConnection({
      socket,
      raw,
      remote,
      local,
      tls: info,
      sockets: this.sockets,
      onInternalError: this.onInternalError,
    });
    this.unwatch(socket, raw);
    try {
      connection.begin(this.events.onConnected(connection), info !== null || !readsIntoSharedBuffer);
    } catch (error) {
      connection.fail(error);
    }
  }

  private fail(error: NodeJS.ErrnoException): void {
    if (this.done) return;
    this.session?.forget();
    this.finish();
    this.drop();
    try {
      this.events.onFailed(error.code ?? "EUNKNOWN", error.message);
    } catch (thrown) {
      this.onInternalError(thrown);
    }
  }

  /** A socket that became a connection is counted by that. */
  private finish(): void {
    this.done = true;
    this.sockets.open -= 1;
  }

  private guarded(run: () => void): void {
    try {
      run();
    } catch (error) {
      this.fail(error as NodeJS.ErrnoException);
    }
  }

  private drop(): void {
    this.secured?.destroy();
    this.raw?.destroy();
  }
}

/** The TLS socket above tells errors of the one below. */
function ignoreError(): void {}
