/**
 * ngx_http_map_module: variables whose values depend on those of others.
 * https://nginx.org/en/docs/http/ngx_http_map_module.html
 */
import { RegexFailure } from "../../config/regex.ts";
import type { Scope } from "../../config/scope.ts";
import { slots } from "../../config/slots.ts";
import type { Directive } from "../../config/tree.ts";
import { variableName } from "../../config/variable-registry.ts";
import { buildOf, valueOf } from "../../gateway/build/http-build.ts";
import type { HttpModule } from "../../gateway/build/http-module.ts";
import { lowerAscii } from "../../http/fields.ts";
import type { Request } from "../../gateway/request/request.ts";
import type { Value } from "../../gateway/serve/settings.ts";
import { MapTable } from "./map-table.ts";

interface MapMain {
  hashMaxSize: number;
  hashBucketSize: number;
}

const slot = slots<MapMain>((scope) => scope.main(map));

export const map: HttpModule<MapMain> = {
  name: "ngx_http_map_module",
  directives: [
    {
      name: "map",
      contexts: ["http"],
      args: "2",
      block: true,
      default: null,
      doc: "Defines a variable whose value is looked up by that of another string.",
      set: mapBlock,
    },
    {
      name: "map_hash_max_size",
      contexts: ["http"],
      args: "1",
      default: "2048",
      hasNoEffect: true,
      doc: "Accepted without effect: look-up tables grow as needed.",
      set: slot.number("hashMaxSize"),
    },
    {
      name: "map_hash_bucket_size",
      contexts: ["http"],
      args: "1",
      default: "64",
      hasNoEffect: true,
      doc: "Accepted without effect: look-up tables grow as needed.",
      set: slot.number("hashBucketSize"),
    },
  ],
  main: { defaults: () => ({ hashMaxSize: 2048, hashBucketSize: 64 }) },
};

/** A `map` block while it is read. */
interface MapDraft {
  readonly table: MapTable<Value>;
  defaultValue: Value | null;
  hostnames: boolean;
  volatile: boolean;
}

async function mapBlock(scope: Scope, directive: Directive): Promise<void> {
  const [source = "", target = ""] = directive.args;
  const key = valueOf(scope, source);
  const name = variableName(target, scope);
  const registry = buildOf(scope).variables;
  const draft: MapDraft = { table: new MapTable(), defaultValue: null, hostnames: false, volatile: false };
  const variable = registry.define(name, scope, (request) => look(draft, key, request));
  await scope.cycle.entries(directive.block!, scope, (entry) => readEntry(draft, entry, scope));
  variable.volatile = draft.volatile;
}

function readEntry(draft: MapDraft, entry: Directive, scope: Scope): void {
  const { name, args } = entry;
  if (args.length === 0 && name === "hostnames") {
    draft.hostnames = true;
    return;
  }
  if (args.length === 0 && name === "volatile") {
    draft.volatile = true;
    return;
  }
  if (args.length !== 1) scope.fail("invalid number of the map parameters");
  const value = valueOf(scope, args[0]!);
  if (name === "default") {
    if (draft.defaultValue !== null) scope.fail("duplicate default map parameter");
    draft.defaultValue = value;
    return;
  }
  if (name.startsWith("~")) {
    const caseless = name.startsWith("~*");
    draft.table.addRegex(
      buildOf(scope).variables.regex(name.slice(caseless ? 2 : 1), caseless, scope),
      value,
    );
    return;
  }
  const text = name.startsWith("\\") ? name.slice(1) : name;
  const fault = draft.table.add(text, value, draft.hostnames);
  if (fault !== null) scope.fail(`${fault} "${fault === "conflicting parameter" ? lowerAscii(text) : text}"`);
}

function look(draft: MapDraft, key: Value, request: Request): string {
  let text = key.evaluate(request);
  if (draft.hostnames && text.endsWith(".")) text = text.slice(0, -1);
  const value = find(draft.table, text, request);
  return (value ?? draft.defaultValue)?.evaluate(request) ?? "";
}

/** An expression that cannot be matched ends the search, as in nginx: the default counts. */
function find(table: MapTable<Value>, text: string, request: Request): Value | undefined {
  try {
    return table.find(text, (regex, subject) => request.matchRegex(regex, subject));
  } catch (error) {
    if (error instanceof RegexFailure) return undefined;
    throw error;
  }
}
