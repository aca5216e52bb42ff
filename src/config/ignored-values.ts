/**
 * How the values of directives without effect are read: their mistakes are mistakes all the same, and a
 * configuration that nginx refuses should not be accepted here.
 */
import type { Context, Module } from "./module.ts";
import type { Scope } from "./scope.ts";
import { readFlag, refuse, slots } from "./slots.ts";
import type { Setter, Slots } from "./slots.ts";
import type { Directive } from "./tree.ts";
import { parseNumber, parseOffset } from "./values.ts";

/** Values are kept only to notice duplicates. */
type Ignored = Record<string, unknown>;

const IGNORED: Module<Ignored, Ignored, Ignored> = { name: "longhaul_ignored", directives: [] };

type Read = (directive: Directive, scope: Scope) => unknown;

/** Directive names, and the way to read the one value. The first pattern that fits counts. */
const ONE_VALUE: readonly (readonly [RegExp, (slot: Slots<Ignored>, name: string) => Setter])[] = [
  [/^limit_(conn|req)_status$/, (slot, name) => slot.number(name, { min: 400, max: 599 })],
  [
    /^limit_(conn|req)_log_level$/,
    (slot, name) => slot.custom(name, readWord("info", "notice", "warn", "error")),
  ],
  [/^autoindex_format$/, (slot, name) => slot.custom(name, readWord("html", "json", "xml", "jsonp"))],
  [/^debug_points$/, (slot, name) => slot.custom(name, readWord("stop", "abort"))],
  [/^uwsgi_cache_background_update$/, (slot, name) => slot.custom(name, readFlag)],
  [/^use$/, (slot, name) => slot.custom(name, readEventType)],
  [/^worker_priority$/, (slot, name) => slot.custom(name, readPriority)],
  [/^worker_cpu_affinity$/, (slot, name) => slot.custom(name, readAffinity)],
  [/^directio$/, (slot, name) => slot.custom(name, readDirectio)],
  [/^aio$/, (slot, name) => slot.custom(name, readAio)],
  [/^open_file_cache_valid$/, (slot, name) => slot.sec(name)],
  [/^directio_alignment$|_max_range_offset$/, (slot, name) => slot.offset(name)],
  [
    /_hash_(max|bucket)_size$|_(tries|min_uses|index_size|verify_depth|nofile)$|_(streams|changes|events|requests|limit|threads)$|^(post_acceptex|min_delete_depth|memcached_gzip_flag|uwsgi_modifier[12])$/,
    (slot, name) => slot.number(name),
  ],
  [/_(timeout|lock_age|delay)$|^(timer_resolution|keepalive_time)$/, (slot, name) => slot.msec(name)],
  [
    /_(buffer_size|buffers_size|pool_size|file_size|write_size|rcvbuf|sndbuf|lowat|chunk|length|buffer|preread_size|chunk_size|limit_rate)$|^(read_ahead|postpone_output|postpone_gzipping)$/,
    (slot, name) => slot.size(name),
  ],
  [
    /(?<!_no)_(index|store|cache|cache_key|string|temp_path|responder|ssl_ciphers|ssl_name|trusted_certificate|crl|ssl_certificate|certificate_key|user_file)$|^(lock_file|working_directory|ssl_stapling_file)$/,
    (slot, name) => slot.custom(name, ({ args }) => args[0]),
  ],
];

const FAILURES =
  "error timeout invalid_header updating off http_500 http_502 http_503 http_504 http_403 http_404 http_429";
const RESPONSE_FIELDS =
  "x-accel-redirect x-accel-expires x-accel-limit-rate x-accel-buffering x-accel-charset expires cache-control set-cookie vary";

/** Directives that take words out of a list, written in lower case. */
const WORD_LISTS: readonly (readonly [RegExp, string])[] = [
  [/_next_upstream$/, `${FAILURES} non_idempotent denied`],
  [/_cache_use_stale$/, FAILURES],
  [/_cache_methods$/, "get head post"],
  [/_ignore_headers$/, RESPONSE_FIELDS],
  [/_ssl_protocols$/, "sslv2 sslv3 tlsv1 tlsv1.1 tlsv1.2 tlsv1.3"],
];

const BUFFERS = /_buffers$/;

/**
 * What checks the values of a directive that has no effect, so that a mistake in it is told all the same.
 * Accepts anything where nothing is known of the values. The setter throws ConfigError in nginx's words.
 */
export function ignoredValue(name: string, args: string, contexts: readonly Context[]): Setter {
  const slot = slots<Ignored>((scope) => levelFor(contexts, scope));
  if (args === "flag") return slot.flag(name);
  if (args === "2" && BUFFERS.test(name)) return slot.buffers(name);
  const list = WORD_LISTS.find(([pattern]) => pattern.test(name));
  if (list !== undefined) return slot.words(name, list[1].split(" "));
  const one = args.startsWith("1") ? ONE_VALUE.find(([pattern]) => pattern.test(name)) : undefined;
  return one === undefined ? () => {} : one[1](slot, name);
}

function levelFor(contexts: readonly Context[], scope: Scope): Partial<Ignored> {
  if (contexts.includes("location")) return scope.location(IGNORED);
  return contexts.includes("server") ? scope.server(IGNORED) : scope.main(IGNORED);
}

function readWord(...words: string[]): Read {
  return ({ args: [word = ""] }, scope) =>
    words.includes(word.toLowerCase()) ? word : scope.fail(`invalid value "${word}"`);
}

/** The methods of nginx on Linux. */
const readEventType: Read = ({ args: [type = ""] }, scope) =>
  ["epoll", "poll", "select"].includes(type) ? type : scope.fail(`invalid event type "${type}"`);

const readPriority: Read = (directive, scope) =>
  parseNumber((directive.args[0] ?? "").replace(/^[-+]/, "")) ?? refuse(scope, directive, "invalid number");

const readAffinity: Read = ({ name, args }, scope) => {
  const isAuto = args[0] === "auto";
  if (isAuto && args.length > 2) return scope.fail(`invalid number of arguments in "${name}" directive`);
  const masks = isAuto ? args.slice(1) : args;
  const wrong = /[^01 ]/.exec(masks.join(""));
  return wrong === null ? masks : scope.fail(`invalid character "${wrong[0]}" in "${name}"`);
};

const readDirectio: Read = (directive, scope) => {
  const [value = ""] = directive.args;
  return value === "off" ? value : (parseOffset(value) ?? refuse(scope, directive, "invalid value"));
};

const readAio: Read = (directive, scope) => {
  const [value = ""] = directive.args;
  const known = value === "on" || value === "off" || value === "threads" || value.startsWith("threads=");
  return known ? value : refuse(scope, directive, "invalid value");
};
