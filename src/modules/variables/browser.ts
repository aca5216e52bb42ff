/**
 * ngx_http_browser_module: tells old browsers from new ones by User-Agent.
 * https://nginx.org/en/docs/http/ngx_http_browser_module.html
 */
import type { Context } from "../../config/module.ts";
import type { Scope } from "../../config/scope.ts";
import type { Directive } from "../../config/tree.ts";
import type { HttpModule } from "../../gateway/build/http-module.ts";
import type { Request } from "../../gateway/request/request.ts";
import { readAgent } from "../../gateway/request/user-agent.ts";
import { lowerAscii } from "../../http/fields.ts";

/** How a browser is known: what stands before its version. */
interface Mark {
  readonly name: string;
  readonly text: string;
  /** Characters at the beginning where it is not looked for. */
  readonly skip: number;
  /** How far behind the text's beginning the version stands. */
  readonly add: number;
}

/** In the order in which they are looked for: Opera calls itself by other names as well. */
const marks: readonly Mark[] = [
  { name: "opera", text: "Opera", skip: 0, add: "Opera ".length },
  { name: "msie", text: "MSIE ", skip: "Mozilla/4.0 (compatible; ".length, add: "MSIE ".length },
  { name: "gecko", text: "rv:", skip: "Mozilla/5.0 (".length, add: "rv:".length },
  { name: "safari", text: "Safari/", skip: "Mozilla/5.0 (".length, add: "Safari/".length },
  {
    name: "konqueror",
    text: "Konqueror/",
    skip: "Mozilla/5.0 (compatible; ".length,
    add: "Konqueror/".length,
  },
];

interface ModernBrowser {
  readonly mark: Mark;
  /** The first modern version. */
  readonly version: number;
}

interface BrowserSettings {
  /** What belongs together is one value, so that it is inherited together. */
  modern: {
    readonly browsers: readonly ModernBrowser[];
    /** Browsers that are not listed are modern. */
    readonly unlisted: boolean;
  };
  ancient: { readonly texts: readonly string[]; readonly netscape4: boolean };
  modernValue: string;
  ancientValue: string;
}

const noneModern: BrowserSettings["modern"] = { browsers: [], unlisted: false };
const noneAncient: BrowserSettings["ancient"] = { texts: [], netscape4: false };

const contexts: readonly Context[] = ["http", "server", "location"];

export const browser: HttpModule<object, object, BrowserSettings> = {
  name: "ngx_http_browser_module",
  directives: [
    {
      name: "modern_browser",
      contexts,
      args: "1,2",
      default: null,
      doc: "A browser and its first version that is modern; `unlisted` for browsers that are not listed.",
      set: addModern,
    },
    {
      name: "ancient_browser",
      contexts,
      args: "1+",
      default: null,
      doc: "Strings in User-Agent that make a browser ancient; `netscape4` for Netscape up to version 4.",
      set: addAncient,
    },
    {
      name: "modern_browser_value",
      contexts,
      args: "1",
      default: "1",
      doc: "Value of `$modern_browser` for a modern browser.",
      set: (scope, { args }) => void (scope.location(browser).modernValue = args[0]!),
    },
    {
      name: "ancient_browser_value",
      contexts,
      args: "1",
      default: "1",
      doc: "Value of `$ancient_browser` for an ancient browser.",
      set: (scope, { args }) => void (scope.location(browser).ancientValue = args[0]!),
    },
  ],
  location: {
    defaults: () => ({
      modern: noneModern,
      ancient: noneAncient,
      modernValue: "1",
      ancientValue: "1",
    }),
  },
  variables: [
    {
      name: "msie",
      changeable: true,
      get: ({ fields }) => (readAgent(fields.get("user-agent") ?? "").msie ? "1" : ""),
    },
    {
      name: "modern_browser",
      changeable: true,
      get: (request) => (isModern(request) ? settingsOf(request).modernValue : ""),
    },
    {
      name: "ancient_browser",
      changeable: true,
      get: (request) => (isModern(request) ? "" : settingsOf(request).ancientValue),
    },
  ],
};

function settingsOf({ location }: Request): BrowserSettings {
  return location.settings.get(browser) as BrowserSettings;
}

function isModern(request: Request): boolean {
  const { modern, ancient } = settingsOf(request);
  const { browsers, unlisted } = modern;
  const agent = request.fields.get("user-agent");
  if (agent === null) return unlisted;
  for (const { mark, version } of browsers) {
    const at = agent.indexOf(mark.text, mark.skip);
    if (at >= 0 && at + mark.add < agent.length) return isAtLeast(agent.slice(at + mark.add), version);
  }
  if (ancient.netscape4 && /^Mozilla\/[1-4].{5}/s.test(agent)) return false;
  return !ancient.texts.some((text) => agent.includes(text)) && unlisted;
}

/** The first part of a version counts a million, the next ones a hundredth of the one before. */
const firstScale = 1_000_000;

function isAtLeast(text: string, wanted: number): boolean {
  const digits = /^[\d.]*/.exec(text)![0];
  return versionOf(digits) >= wanted;
}

function versionOf(text: string): number {
  let version = 0;
  let scale = firstScale;
  for (const part of text.split(".")) {
    version += Number(part) * scale;
    scale = Math.floor(scale / 100);
  }
  return version;
}

function addModern(scope: Scope, { args }: Directive): void {
  const settings = scope.location(browser);
  const { browsers, unlisted } = settings.modern ?? noneModern;
  const [name = "", version] = args;
  if (version === undefined) {
    // nginx ends here without a word.
    if (name !== "unlisted") scope.fail(`unknown browser name "${name}"`);
    settings.modern = { browsers, unlisted: true };
    return;
  }
  const mark = marks.find((known) => known.name === lowerAscii(name));
  if (mark === undefined) return scope.fail(`unknown browser name "${name}"`);
  if (!/^[\d.]*$/.test(version)) scope.fail(`invalid browser version "${version}"`);
  const added = [...browsers, { mark, version: versionOf(version) }];
  const inOrder = added.toSorted((a, b) => marks.indexOf(a.mark) - marks.indexOf(b.mark));
  settings.modern = { browsers: inOrder, unlisted };
}

function addAncient(scope: Scope, { args }: Directive): void {
  const settings = scope.location(browser);
  const { texts, netscape4 } = settings.ancient ?? noneAncient;
  settings.ancient = {
    texts: [...texts, ...args.filter((text) => text !== "netscape4")],
    netscape4: netscape4 || args.includes("netscape4"),
  };
}
