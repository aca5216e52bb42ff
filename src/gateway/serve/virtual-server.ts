import { RegexFailure } from "../../config/regex.ts";
import type { CompiledRegex } from "../../config/regex.ts";
import type { SettingsByModule } from "../../config/module.ts";
import type { RequestHeadLimits } from "../../http/request-head.ts";
import type { ContextChoice, ServerSessions } from "../../net/network.ts";
import type { HandshakeScene } from "../request/handshake-request.ts";
import type { PhaseHandler } from "../request/handler.ts";
import { http2Options } from "../../http2/options.ts";
import type { Http2ServerState } from "./http2-server.ts";
import type { Location } from "./location.ts";
import type { LocationTree } from "./location-tree.ts";
import type { Request } from "../request/request.ts";
import type { ServerSettings } from "./settings.ts";

/** One `server_name` argument. */
export type ServerName =
  | { readonly kind: "exact"; readonly text: string }
  /** `text` is the suffix with its dot, ".example.com"; `bare` also stands for "example.com". */
  | { readonly kind: "head"; readonly text: string; readonly bare: boolean }
  /** `text` is the prefix with its dot, "www.example.". */
  | { readonly kind: "tail"; readonly text: string }
  | { readonly kind: "regex"; readonly text: string; readonly regex: CompiledRegex };

/** What handshakes of a server use behind one address. */
export interface Handshakes {
  readonly server: VirtualServer;
  /** The certificate depends on who comes. */
  readonly varies: boolean;
  /** Null: there is no certificate to be had. `scene` is null where nothing is known but that somebody may come. */
  contextFor(scene: HandshakeScene | null): ContextChoice;
  readonly sessions: ServerSessions | null;
}

/** What the TLS of a server is like; filled when the configuration is compiled. */
export interface ServerTlsState {
  /** By the default server of the address: what it says of sessions holds for all. None without certificates. */
  readonly behind: Map<VirtualServer, Handshakes>;
  /** What the server's name decides on besides its certificate, in words of no meaning. */
  rules: string;
  /** What clients offer is told by some variable in use. */
  readsHello: boolean;
  rejects: boolean;
  requestsCertificate: boolean;
}

/** A `server` block, ready to serve. */
export class VirtualServer {
  /** The first name as written: `$server_name`. */
  readonly name: string;
  readonly names: readonly ServerName[];
  readonly settings: SettingsByModule;
  readonly core: ServerSettings;
  /** For heads whose server is not known yet: those of connections that this one is the default server of. */
  readonly headLimits: RequestHeadLimits;
  /** The level outside all locations. */
  readonly root: Location;
  locations: LocationTree | null = null;
  readonly named = new Map<string, Location>();
  /** Handlers of the server-rewrite phase. */
  readonly rewrite: PhaseHandler[] = [];
  /** Some variable in use tells fields of answers: they are kept for as long as a tunnel lives. */
  keepsAnswerFields = true;
  /** `$request_body_file` is in use: files of bodies have names that others find. */
  namesBodyFiles = true;
  /** `$request_body` is in use. */
  readsBodies = true;
  readonly postRead: PhaseHandler[] = [];
  /** What TLS handshakes for this server's names use; filled by the ssl module. */
  readonly tls: ServerTlsState = {
    behind: new Map(),
    rules: "",
    readsHello: false,
    rejects: false,
    requestsCertificate: false,
  };

  /** Filled by the http2 module. */
  readonly http2: Http2ServerState = { enabled: false, options: http2Options };

  constructor(init: {
    name: string;
    names: readonly ServerName[];
    settings: SettingsByModule;
    core: ServerSettings;
    root: Location;
  }) {
    this.name = init.name;
    this.names = init.names;
    this.settings = init.settings;
    this.core = init.core;
    this.headLimits = headLimitsOf(init.core);
    this.root = init.root;
  }
}

function headLimitsOf(core: ServerSettings): RequestHeadLimits {
  return {
    headerBufferSize: core.clientHeaderBufferSize,
    largeBufferCount: core.largeClientHeaderBuffers.count,
    largeBufferSize: core.largeClientHeaderBuffers.size,
    fieldsMax: core.headersMax,
    ignoreInvalidHeaders: core.ignoreInvalidHeaders,
    underscoresInHeaders: core.underscoresInHeaders,
    mergeSlashes: core.mergeSlashes,
  };
}

/** The servers that share a listening address, and nginx's choice among them by name. */
export class ServerChoice {
  readonly servers: readonly VirtualServer[];
  readonly defaultServer: VirtualServer;
  private readonly exact = new Map<string, VirtualServer>();
  private readonly heads = new Map<string, VirtualServer>();
  private readonly tails = new Map<string, VirtualServer>();
  private readonly regexes: { regex: CompiledRegex; server: VirtualServer }[] = [];
  /** Longer masks than these there are none: a Host may have thousands of dots. */
  private longestHead = 0;
  private longestTail = 0;
  private lastNegotiated: { readonly name: string; readonly server: VirtualServer } | null = null;

  /** `conflict` is told each name that an earlier server of this address has already. */
  constructor(
    servers: readonly VirtualServer[],
    defaultServer: VirtualServer,
    conflict: (name: string) => void,
  ) {
    this.servers = servers;
    this.defaultServer = defaultServer;
    // The names of a server that is alone are not compared, not even with each other.
    const told = servers.length > 1 ? conflict : () => undefined;
    for (const server of servers) for (const name of server.names) this.add(name, server, told);
  }

  /** True when the name plays no part: there is one server only, without regular expressions. */
  get single(): boolean {
    return this.exact.size + this.heads.size + this.tails.size + this.regexes.length === 0;
  }

  /**
   * The server for a host name (lower case, without port). `request` receives the captures of a
   * regular expression; null during a TLS handshake, when there is no request yet.
   *
   * @throws RegexFailure when a regular expression could not be matched; logged if there is a request
   */
  find(host: string, request: Request | null): VirtualServer {
    const exact = this.exact.get(host);
    if (exact !== undefined) return exact;
    const wildcard = this.findHead(host) ?? this.findTail(host);
    if (wildcard !== null) return wildcard;
    for (const { regex, server } of this.regexes) {
      const matched = request === null ? regex.exec(host) !== null : request.matchRegex(regex, host);
      if (matched) return server;
    }
    return this.defaultServer;
  }

  /**
   * The server that a TLS handshake has chosen by its name. A connection asks several times, so the answer
   * to the last question is kept. What could not be matched (since a reload) is the default server's.
   */
  findNegotiated(name: string): VirtualServer {
    if (this.lastNegotiated?.name !== name) this.lastNegotiated = { name, server: this.negotiate(name) };
    return this.lastNegotiated.server;
  }

  private negotiate(name: string): VirtualServer {
    try {
      return this.find(name, null);
    } catch (error) {
      if (error instanceof RegexFailure) return this.defaultServer;
      throw error;
    }
  }

  private add(name: ServerName, server: VirtualServer, conflict: (name: string) => void): void {
    if (name.kind === "regex") {
      this.regexes.push({ regex: name.regex, server });
      return;
    }
    const map = name.kind === "exact" ? this.exact : name.kind === "head" ? this.heads : this.tails;
    const shown =
      name.kind === "head"
        ? name.bare
          ? name.text
          : `*${name.text}`
        : name.kind === "tail"
          ? `${name.text}*`
          : name.text;
    if (map.has(name.text)) conflict(shown);
    else map.set(name.text, server);
    if (name.kind === "head") this.longestHead = Math.max(this.longestHead, name.text.length);
    if (name.kind === "tail") this.longestTail = Math.max(this.longestTail, name.text.length);
    if (name.kind !== "head" || !name.bare) return;
    const bare = name.text.slice(1);
    if (!this.exact.has(bare)) this.exact.set(bare, server);
  }

  /** The longest suffix wins: the dots are tried from the left. */
  private findHead(host: string): VirtualServer | null {
    if (this.heads.size === 0) return null;
    const first = Math.max(1, host.length - this.longestHead);
    for (let dot = host.indexOf(".", first); dot > 0; dot = host.indexOf(".", dot + 1)) {
      const server = this.heads.get(host.slice(dot));
      if (server !== undefined) return server;
    }
    return null;
  }

  /** The longest prefix wins: the dots are tried from the right. */
  private findTail(host: string): VirtualServer | null {
    if (this.tails.size === 0) return null;
    for (
      let dot = host.lastIndexOf(".", this.longestTail - 1);
      dot > 0;
      dot = host.lastIndexOf(".", dot - 1)
    ) {
      const server = this.tails.get(host.slice(0, dot + 1));
      if (server !== undefined) return server;
    }
    return null;
  }
}
