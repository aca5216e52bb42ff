import type { SettingsByModule } from "../../config/module.ts";
import type { CompiledRegex } from "../../config/regex.ts";
import type { Scope } from "../../config/scope.ts";
import type { Directive } from "../../config/tree.ts";
import type { Endpoint } from "../../net/network.ts";
import type { ListenSettings } from "../serve/listen-socket.ts";
import type { Location, LocationKind } from "../serve/location.ts";
import type { ServerName, VirtualServer } from "../serve/virtual-server.ts";

/** A `listen` directive. */
export interface ListenDraft {
  readonly endpoint: Endpoint;
  readonly settings: ListenSettings;
  /** Options of the socket were given (backlog, reuseport, …): only one `listen` of an address may. */
  readonly hasSocketOptions: boolean;
  readonly isDefault: boolean;
  /** The options that say what is spoken on it, as bits: nginx warns where directives of an address differ. */
  readonly protocols: number;
  readonly file: string;
  readonly line: number;
}

/** A location while the configuration is read; `compileHttp` makes a `Location` of it. */
export interface LocationDraft {
  readonly kind: LocationKind;
  readonly name: string;
  readonly noRegex: boolean;
  readonly regex: CompiledRegex | null;
  readonly settings: SettingsByModule;
  readonly parent: LocationDraft | null;
  readonly children: LocationDraft[];
  readonly file: string;
  readonly line: number;
  /** A content handler was set whose prefix location redirects requests that lack the final slash. */
  autoRedirect: boolean;
  /** The last directive that chose a content handler: where there are several, its module answers. */
  answeredBy: string | null;
  /** Methods that a `limit_except` block leaves to the surrounding location. */
  methods: ReadonlySet<string> | null;
  /** Set when it is compiled. */
  location: Location | null;
}

/** A `server` block while the configuration is read; `compileHttp` makes a `VirtualServer` of it. */
export interface ServerDraft {
  readonly settings: SettingsByModule;
  readonly listens: ListenDraft[];
  readonly names: ServerName[];
  /** `$server_name`: the first name as written. */
  firstName: string | null;
  readonly root: LocationDraft;
  /** Set when it is compiled. */
  server: VirtualServer | null;
}

/** The location whose block is being read; the server's own level outside locations. */
export function locationDraftOf(scope: Scope): LocationDraft {
  for (let at: Scope | null = scope; at !== null; at = at.parent) {
    if (isLocationDraft(at.subject)) return at.subject;
    if (isServerDraft(at.subject)) return at.subject.root;
  }
  throw new Error("this scope is not inside a server block");
}

/** Notes that a directive has chosen the content handler of its location; the last one counts, as in nginx. */
export function chooseContent(scope: Scope, { name }: Directive): void {
  locationDraftOf(scope).answeredBy = name;
}

/**
 * The server whose block is being read.
 * @throws Error outside of servers, where no directive that asks for it may stand
 */
export function serverDraftOf(scope: Scope): ServerDraft {
  for (let at: Scope | null = scope; at !== null; at = at.parent)
    if (isServerDraft(at.subject)) return at.subject;
  throw new Error("this scope is not inside a server block");
}

function isServerDraft(subject: unknown): subject is ServerDraft {
  return typeof subject === "object" && subject !== null && "listens" in subject;
}

function isLocationDraft(subject: unknown): subject is LocationDraft {
  return typeof subject === "object" && subject !== null && "children" in subject;
}
