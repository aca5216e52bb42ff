/**
 * ngx_http_split_clients_module: variables that give each share of the clients its own value.
 * https://nginx.org/en/docs/http/ngx_http_split_clients_module.html
 */
import type { Scope } from "../../config/scope.ts";
import type { Directive } from "../../config/tree.ts";
import { variableName } from "../../config/variable-registry.ts";
import { buildOf, valueOf } from "../../gateway/build/http-build.ts";
import type { HttpModule } from "../../gateway/build/http-module.ts";
import { murmurHash2 } from "../support/murmur-hash.ts";

export const splitClients: HttpModule = {
  name: "ngx_http_split_clients_module",
  directives: [
    {
      name: "split_clients",
      contexts: ["http"],
      args: "2",
      block: true,
      default: null,
      doc: "Defines a variable whose value depends on the hash of a string, by percentages.",
      set: splitClientsBlock,
    },
  ],
};

interface Share {
  /** Hundredths of a percent; 0 is "*", the rest. */
  readonly portion: number;
  readonly value: string;
}

interface Part {
  /** Hashes below it belong here, unless to a part before. */
  readonly bound: number;
  readonly value: string;
}

const wholePortion = 10_000;
const hashMax = 0xffffffff;

async function splitClientsBlock(scope: Scope, directive: Directive): Promise<void> {
  const [source = "", target = ""] = directive.args;
  const key = valueOf(scope, source);
  const name = variableName(target, scope);
  const shares: Share[] = [];
  let parts: readonly Part[] = [];
  buildOf(scope).variables.define(name, scope, (request) => {
    const hash = murmurHash2(key.evaluate(request));
    return parts.find(({ bound }) => hash < bound)?.value ?? "";
  });
  await scope.cycle.entries(directive.block!, scope, (entry) => {
    shares.push({ portion: portionOf(entry.name, scope), value: entry.args[0] ?? "" });
  });
  // Told for the directive, not for the brace that the block ended with.
  scope.current = directive;
  parts = partsOf(shares, scope);
}

/** "0.5%" is 50. */
function portionOf(text: string, scope: Scope): number {
  if (text === "*") return 0;
  const [, whole = "", decimals = ""] = /^(\d+)(?:\.(\d{0,2}))?%$/.exec(text) ?? [];
  const portion = Number(whole) * 100 + Number(decimals.padEnd(2, "0"));
  return portion > 0 ? portion : scope.fail(`invalid percent value "${text}"`);
}

function partsOf(shares: readonly Share[], scope: Scope): Part[] {
  let total = 0;
  let bound = 0;
  return shares.map(({ portion, value }) => {
    total = portion === 0 ? wholePortion : total + portion;
    if (total > wholePortion) scope.fail("percent total is greater than 100%");
    if (portion === 0) return { bound: Number.POSITIVE_INFINITY, value };
    bound += Math.floor((portion * hashMax) / wholePortion);
    return { bound, value };
  });
}
