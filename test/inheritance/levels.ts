/** The levels of a configuration, as one text with a place for a statement in each of them. */
import path from "node:path";
import { fileURLToPath } from "node:url";
import { DiskFiles } from "../../src/config/files.ts";
import type { Context, Module, SettingsByModule } from "../../src/config/module.ts";
import { ErrorLog } from "../../src/gateway/log/error-log.ts";
import type { LocationDraft, ServerDraft } from "../../src/gateway/build/drafts.ts";
import type { HttpModule } from "../../src/gateway/build/http-module.ts";
import type { LogFiles } from "../../src/gateway/log/log-files.ts";
import { createMemoryNetwork } from "../../src/net/memory/network.ts";
import { httpModules } from "../../src/modules/index.ts";
import { mainModule } from "../../src/modules/core/main.ts";
import { readConfiguration, startReading } from "../../src/runtime/configuration.ts";

const certificates = fileURLToPath(new URL("../case-runner/certificates", import.meta.url));

/** A place in the text: the context that it is, and the level around it. */
export interface Place {
  readonly context: Context;
  readonly outer: string | null;
}

/** By name, outer ones first. */
export const places: Readonly<Record<string, Place>> = {
  main: { context: "main", outer: null },
  events: { context: "events", outer: null },
  upstream: { context: "upstream", outer: null },
  http: { context: "http", outer: null },
  server: { context: "server", outer: "http" },
  "if in server": { context: "if in server", outer: "server" },
  location: { context: "location", outer: "server" },
  "if in location": { context: "if in location", outer: "location" },
  limit_except: { context: "limit_except", outer: "location" },
  nested: { context: "location", outer: "location" },
  "if in nested": { context: "if in location", outer: "nested" },
  "limit_except in nested": { context: "limit_except", outer: "nested" },
  deep: { context: "location", outer: "nested" },
  regex: { context: "location", outer: "server" },
  exact: { context: "location", outer: "server" },
  named: { context: "location", outer: "server" },
  "if in named": { context: "if in location", outer: "named" },
};

export type Statements = Readonly<Record<string, string>>;

function textOf(at: Statements): string {
  const here = (place: string): string => at[place] ?? "";
  return `${here("main")}
    events { ${here("events")} }
    http {
      limit_req_zone $uri zone=requests:64k rate=1r/s;
      websocket_limit_zone $uri zone=messages:64k messages=1/s;
      limit_conn_zone $uri zone=connections:64k;
      upstream up { server 127.0.0.1:1; }
      upstream tried { ${here("upstream")} server 127.0.0.1:1; }
      ${here("http")}
      server {
        listen 8001;
        ${here("server")}
        if ($arg_a) { ${here("if in server")} }
        location /a/ {
          ${here("location")}
          if ($arg_a) { ${here("if in location")} }
          limit_except GET { ${here("limit_except")} }
          location /a/b/ {
            ${here("nested")}
            if ($arg_a) { ${here("if in nested")} }
            limit_except GET { ${here("limit_except in nested")} }
            location /a/b/c/ { ${here("deep")} }
          }
        }
        location ~ x { ${here("regex")} }
        location = /exact { ${here("exact")} }
        location @named {
          ${here("named")}
          if ($arg_a) { ${here("if in named")} }
        }
      }
      server { listen 8002; }
    }`.replaceAll("CERTS", certificates);
}

/** Settings of one level, by the name of module and kind and the key. */
export type Level = ReadonlyMap<string, unknown>;

/** Settings by the place in the text. "elsewhere" is a server that nothing was said in. */
export type Levels = Readonly<Record<string, Level>>;

class TextFile extends DiskFiles {
  private readonly text: string;

  constructor(text: string) {
    super();
    this.text = text;
  }

  override read(): string {
    return this.text;
  }
}

const sink = { write: (): void => undefined };
const logs: LogFiles = {
  open: () => sink,
  syslog: () => sink,
  stderr: sink,
  reopen() {},
  flush() {},
};
const network = createMemoryNetwork({
  seed: 1,
  onInternalError: (error) => {
    throw error;
  },
});
const mainErrorLog = new ErrorLog([{ sink, level: "info" }], network.clock);

/** The servers of the reading that is under way; readings are not mixed. */
let servers: readonly ServerDraft[] = [];

/** One module for all readings, for which the table of directives is made once. */
const spy: HttpModule = {
  name: "spy",
  directives: [],
  attachServer: (_server, _settings, build) => void (servers = [...build.servers]),
};

/** Reads the text with these statements in their places, merges it, and gives what each level has then. */
export async function readLevels(at: Statements): Promise<Levels> {
  const commandLine = {
    configFile: path.join(certificates, "nginx.conf"),
    configFileGiven: true,
    prefix: "/prefix/",
    globals: "",
    errorLog: "stderr",
    testOnly: false,
    dump: false,
    quiet: true,
    signal: null,
  };
  const reading = startReading(new TextFile(textOf(at)));
  const options = { commandLine, network, logs, mainErrorLog, modules: [spy] };
  const { main } = await readConfiguration(reading, options);
  const [server, elsewhere] = [8001, 8002].map((port) =>
    servers.find(({ listens }) =>
      listens.some(({ endpoint }) => "port" in endpoint && endpoint.port === port),
    ),
  );
  const location = childOf(server!.root, "/a/");
  const nested = childOf(location, "/a/b/");
  const named = childOf(server!.root, "@named");
  const of = (draft: LocationDraft): Level => levelOf(draft.settings);
  return {
    main: new Map(Object.entries(main).map(([key, value]) => [`${mainModule.name}/${key}`, value])),
    server: levelOf(server!.root.settings, server!.settings),
    location: of(location),
    "if in location": of(blockOf(location, "if")),
    limit_except: of(blockOf(location, "limit_except")),
    nested: of(nested),
    "if in nested": of(blockOf(nested, "if")),
    "limit_except in nested": of(blockOf(nested, "limit_except")),
    deep: of(childOf(nested, "/a/b/c/")),
    regex: of(childOf(server!.root, "x")),
    exact: of(childOf(server!.root, "/exact")),
    named: of(named),
    "if in named": of(blockOf(named, "if")),
    elsewhere: levelOf(elsewhere!.root.settings, elsewhere!.settings),
  };
}

function childOf(draft: LocationDraft, name: string): LocationDraft {
  return draft.children.find((child) => child.name === name && child.kind !== "if")!;
}

function blockOf(draft: LocationDraft, kind: "if" | "limit_except"): LocationDraft {
  // The last one is the text's own: a statement may have come with a block of its kind.
  return draft.children.findLast((child) => child.kind === kind)!;
}

/** Several modules have one name: they are told apart by their place. */
const numbers = new Map<Module, number>(httpModules.map((module, index) => [module, index]));

function levelOf(...settings: readonly SettingsByModule[]): Level {
  const level = new Map<string, unknown>();
  for (const byModule of settings) {
    const kind = byModule === settings[0] ? "location" : "server";
    for (const [module, values] of byModule) {
      for (const key in values) level.set(nameOf(module, kind, key), values[key as keyof typeof values]);
    }
  }
  return level;
}

/** The names of keys, of which there are the same for each reading. */
const names = {
  location: new Map<Module, Map<string, string>>(),
  server: new Map<Module, Map<string, string>>(),
};

function nameOf(module: Module, kind: "location" | "server", key: string): string {
  const known = names[kind].get(module) ?? new Map<string, string>();
  names[kind].set(module, known);
  let name = known.get(key);
  if (name !== undefined) return name;
  const own = key in (module[kind]?.defaults() ?? {}) ? "" : ownMark;
  name = `${module.name} ${numbers.get(module)} ${kind}.${key}${own}`;
  known.set(key, name);
  return name;
}

/** At the end of keys that are of their level alone. */
export const ownMark = " (own)";
