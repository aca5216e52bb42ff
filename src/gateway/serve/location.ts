import type { CompiledRegex } from "../../config/regex.ts";
import type { SettingsByModule } from "../../config/module.ts";
import type { HeaderFilter, LogHandler, PhaseHandler, Verdict } from "../request/handler.ts";
import type { LocationTree } from "./location-tree.ts";
import type { Request } from "../request/request.ts";
import type { LocationSettings } from "./settings.ts";
import { plainWebSockets } from "./websocket-policy.ts";
import type { TunnelTimes, WebSocketPolicy } from "./websocket-policy.ts";

/** "server" is the level outside all locations; "if" and "limit_except" are blocks inside one. */
export type LocationKind = "server" | "prefix" | "exact" | "regex" | "named" | "if" | "limit_except";

const none: readonly Location[] = [];

function passNowhere(request: Request): Verdict {
  request.log("alert", "no upstream configuration");
  return 500;
}

/** A location, ready to serve: the handlers of each phase, with their settings closed over. */
export class Location {
  /** See `block`; made when it is needed first. */
  private stranded: Location | null = null;
  readonly kind: LocationKind;
  /** As written: prefix, regular expression, or name with its "@". */
  readonly name: string;
  /** `^~`: regular expressions are not tried when this prefix is the longest. */
  readonly noRegex: boolean;
  readonly regex: CompiledRegex | null;
  readonly settings: SettingsByModule;
  readonly core: LocationSettings;
  /** Where its block stands. */
  readonly file: string;
  readonly line: number;
  /** A prefix that ends with "/" and is proxied: a request without the slash is redirected to it. */
  autoRedirect = false;
  /** `http2_chunk_size`: bytes of a DATA frame. */
  http2ChunkBytes = 8192;
  /** `accept_extended_connect`: a WebSocket may be opened here over HTTP/2. */
  acceptsExtendedConnect = false;
  nested: LocationTree | null = null;
  /** The location around it, and those in it, `if` blocks and the like included; null for a server's level. */
  outer: Location | null = null;
  inner: readonly Location[] = none;
  /** The location that requests with other methods get. */
  limitExcept: { readonly methods: ReadonlySet<string>; readonly location: Location } | null = null;

  readonly rewrite: PhaseHandler[] = [];
  readonly preaccess: PhaseHandler[] = [];
  readonly access: PhaseHandler[] = [];
  readonly precontent: PhaseHandler[] = [];
  /** The one content handler (proxy_pass, return of a module …); when null, `contentChain` is tried. */
  content: PhaseHandler | null = null;
  /** `content` passes requests on to a server; a `limit_except` block then does, too. */
  passes = false;
  /** Content handlers for everything else, in order: index, autoindex, static. */
  readonly contentChain: PhaseHandler[] = [];
  readonly headerFilters: HeaderFilter[] = [];
  readonly log: LogHandler[] = [];
  /** How long tunnels to a server may be silent, and it may take nothing; null where nothing is passed on. */
  tunnelTimes: TunnelTimes | null = null;
  /** What becomes of WebSockets; filled by their module. */
  websocket: WebSocketPolicy = plainWebSockets;

  constructor(init: {
    kind: LocationKind;
    name: string;
    noRegex: boolean;
    regex: CompiledRegex | null;
    settings: SettingsByModule;
    core: LocationSettings;
    file: string;
    line: number;
  }) {
    this.kind = init.kind;
    this.name = init.name;
    this.noRegex = init.noRegex;
    this.regex = init.regex;
    this.settings = init.settings;
    this.core = init.core;
    this.file = init.file;
    this.line = init.line;
  }

  /**
   * Where a request goes that enters `inner`, an `if` of the same location: there. As in nginx, a content
   * handler stays chosen until another block chooses its own, but finds the settings of the last block: where
   * an earlier `if` had a `proxy_pass` and the last one has none, there is nowhere to pass to.
   */
  block(inner: Location): Location {
    if (this.content === null || inner.content !== null) return inner;
    inner.stranded ??= Object.assign(new Location(inner), inner, { content: passNowhere });
    return inner.stranded;
  }
}
