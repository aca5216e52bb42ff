import { Scope } from "../../config/scope.ts";
import type { Directive } from "../../config/tree.ts";
import type { SettingsByModule } from "../../config/module.ts";
import type { CompiledRegex } from "../../config/regex.ts";
import { locationDraftOf } from "../../gateway/build/drafts.ts";
import { buildOf } from "../../gateway/build/http-build.ts";
import type { LocationDraft, ServerDraft } from "../../gateway/build/drafts.ts";
import type { LocationKind } from "../../gateway/serve/location.ts";
import { defaultListen } from "./listen.ts";

/** `server { … }`: a server with its level of settings. Rejects with the ConfigError of what stands in it. */
export async function serverBlock(scope: Scope, directive: Directive): Promise<void> {
  const { file, line } = directive;
  const head: LocationHead = { kind: "server", name: "", noRegex: false, regex: null };
  const draft: ServerDraft = {
    listens: [],
    names: [],
    firstName: null,
    settings: new Map(),
    root: newLocation(head, new Map(), null, file, line),
    server: null,
  };
  buildOf(scope).servers.push(draft);
  const inner = new Scope({
    cycle: scope.cycle,
    context: "server",
    parent: scope,
    mainSettings: scope.mainSettings,
    serverSettings: draft.settings,
    locationSettings: draft.root.settings,
    subject: draft,
  });
  await scope.cycle.walk(directive.block!, inner);
  if (draft.listens.length === 0) draft.listens.push(defaultListen(buildOf(scope).launch.byRoot, file, line));
  if (draft.names.length === 0) draft.names.push({ kind: "exact", text: "" });
}

/** `location [= | ~ | ~* | ^~ ] uri { … }` and `location @name { … }` */
export async function locationBlock(scope: Scope, directive: Directive): Promise<void> {
  const head = readLocationHead(scope, directive);
  const parent = scope.context === "location" ? locationDraftOf(scope) : null;
  if (parent !== null) checkNesting(scope, head, parent);
  await enterLocation(scope, directive, head, "location");
}

/** Opens a block that is a location of its own: `location`, `if`, `limit_except`. */
export async function enterLocation(
  scope: Scope,
  directive: Directive,
  head: LocationHead,
  context: "location" | "if in location" | "limit_except",
): Promise<LocationDraft> {
  const parent = locationDraftOf(scope);
  const draft = newLocation(head, new Map(), parent, directive.file, directive.line);
  const inner = new Scope({
    cycle: scope.cycle,
    context,
    parent: scope,
    mainSettings: scope.mainSettings,
    serverSettings: scope.serverSettings,
    locationSettings: draft.settings,
    subject: draft,
  });
  parent.children.push(draft);
  await scope.cycle.walk(directive.block!, inner);
  return draft;
}

/** What stands between `location` and its block: how URIs are compared, and with what. */
export interface LocationHead {
  readonly kind: LocationKind;
  readonly name: string;
  readonly noRegex: boolean;
  readonly regex: CompiledRegex | null;
}

function newLocation(
  head: LocationHead,
  settings: SettingsByModule,
  parent: LocationDraft | null,
  file: string,
  line: number,
): LocationDraft {
  return {
    ...head,
    settings,
    parent,
    children: [],
    file,
    line,
    autoRedirect: false,
    answeredBy: null,
    methods: null,
    location: null,
  };
}

function readLocationHead(scope: Scope, directive: Directive): LocationHead {
  const [first = "", second] = directive.args;
  if (second !== undefined) {
    if (first === "=") return plain("exact", second);
    if (first === "^~") return { ...plain("prefix", second), noRegex: true };
    if (first === "~" || first === "~*") return regexLocation(scope, second, first === "~*");
    return scope.fail(`invalid location modifier "${first}"`);
  }
  if (first.startsWith("=")) return plain("exact", first.slice(1));
  if (first.startsWith("^~")) return { ...plain("prefix", first.slice(2)), noRegex: true };
  if (first.startsWith("~*")) return regexLocation(scope, first.slice(2), true);
  if (first.startsWith("~")) return regexLocation(scope, first.slice(1), false);
  return plain(first.startsWith("@") ? "named" : "prefix", first);
}

function plain(kind: LocationKind, name: string): LocationHead {
  return { kind, name, noRegex: false, regex: null };
}

function regexLocation(scope: Scope, pattern: string, caseless: boolean): LocationHead {
  const regex = buildOf(scope).variables.regex(pattern, caseless, scope);
  return { kind: "regex", name: pattern, noRegex: false, regex };
}

function checkNesting(scope: Scope, head: LocationHead, parent: LocationDraft): void {
  if (parent.kind === "exact") {
    scope.fail(`location "${head.name}" cannot be inside the exact location "${parent.name}"`);
  }
  if (parent.kind === "named") {
    scope.fail(`location "${head.name}" cannot be inside the named location "${parent.name}"`);
  }
  if (head.kind === "named") scope.fail(`named location "${head.name}" can be on the server level only`);
  const outside = head.kind !== "regex" && parent.kind !== "regex" && !head.name.startsWith(parent.name);
  if (outside) scope.fail(`location "${head.name}" is outside location "${parent.name}"`);
}
