import { DIRECTIVE_TABLE } from "./directive-table.ts";
import { ignoredValue } from "./ignored-values.ts";
import type { ArgumentRule, Context, DirectiveSpec } from "./module.ts";
import { HARMLESS, OBSOLETE, noEffectReason } from "./no-effect.ts";
import { Scope } from "./scope.ts";
import { obsolete } from "./slots.ts";
import { refusalReason } from "./refusals.ts";
import type { Block, Directive } from "./tree.ts";

/** One line of nginx's table of directives. */
export interface KnownDirective {
  readonly name: string;
  /** nginx's module that brings it. */
  readonly module: string;
  /** Empty for `include`, which may stand anywhere and is read by the walk itself. */
  readonly contexts: readonly Context[];
  readonly args: ArgumentRule;
  readonly block: boolean;
  /** Why ignoring it is harmless; null when it is refused unless a module implements it. */
  readonly noEffect: string | null;
}

/** Every directive of nginx mainline, in nginx's order. */
export function knownDirectives(): KnownDirective[] {
  const known: KnownDirective[] = [];
  let module = "";
  for (const line of DIRECTIVE_TABLE.trim().split("\n")) {
    if (!line.startsWith(" ")) {
      module = line;
      continue;
    }
    const [name = "", contexts = "", args = "", block] = line.trim().split(" | ");
    known.push({
      name,
      module,
      contexts: contexts === "any" ? [] : (contexts.split(", ") as Context[]),
      args: args as ArgumentRule,
      block: block === "block",
      noEffect: noEffectReason(module, name),
    });
  }
  return known;
}

/** Nothing in them belongs to a configuration, and many configurations may be alive at once. */
let fallbacks: readonly DirectiveSpec[] | null = null;

/**
 * What happens to the directives that no module implements: those that only tune nginx's insides are
 * checked and ignored with a notice; all others are refused, because a configuration that asks for
 * them would be served wrongly. For the walk, after all modules.
 */
export function fallbackDirectives(): readonly DirectiveSpec[] {
  fallbacks ??= knownDirectives().map((known) => ({
    name: known.name,
    contexts: known.contexts,
    args: known.args,
    ...(known.block ? { block: true as const } : {}),
    default: null,
    doc: known.noEffect === null ? "Not supported." : `No effect: ${known.noEffect}.`,
    set: fallbackSetter(known),
  }));
  return fallbacks;
}

function fallbackSetter(known: KnownDirective): DirectiveSpec["set"] {
  const { name, module, noEffect } = known;
  if (name === "stream") return streamBlock;
  // Reached in a `stream` block only, where nothing but a server does anything.
  if (module.startsWith("ngx_stream") && !(name === "server" && known.block)) return streamDirective;
  const replacement = OBSOLETE.get(name);
  if (replacement !== undefined) return obsolete(replacement);
  const harmless = HARMLESS.get(name) ?? [];
  const check = noEffect === null ? null : ignoredValue(name, known.args, known.contexts);
  return (scope, directive) => {
    const isHarmless = directive.args.length === 1 && harmless.includes(directive.args[0]!.toLowerCase());
    if (check === null && !isHarmless) {
      const reason = refusalReason(module, name);
      const why = reason === null ? "" : `: ${reason}`;
      scope.fail(`directive "${name}" of ${module} is not supported by longhaul${why}`);
    }
    check?.(scope, directive);
    if (!isHarmless) scope.notice(`the "${name}" directive has no effect: ${noEffect}`);
  };
}

/** Packaged configurations bring an empty one along, or one with logs and maps for servers that may come. */
async function streamBlock(scope: Scope, directive: Directive): Promise<void> {
  await walkAs("stream", scope, directive.block!);
  scope.notice('the "stream" block has no effect: there is no server in it');
}

async function streamDirective(scope: Scope, { name, block }: Directive): Promise<void> {
  if (name === "upstream" && block !== null) await walkAs("stream upstream", scope, block);
}

async function walkAs(context: Context, scope: Scope, block: Block): Promise<void> {
  const { cycle, mainSettings, serverSettings, locationSettings } = scope;
  const inner = { cycle, context, parent: scope, mainSettings, serverSettings, locationSettings };
  await cycle.walk(block, new Scope(inner));
}
