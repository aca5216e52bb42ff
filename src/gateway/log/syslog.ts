import { hostname } from "node:os";
import type { Scope } from "../../config/scope.ts";
import { parseHostPort } from "../../net/address.ts";
import type { Clock } from "../../net/clock.ts";
import { DatagramSender } from "../../net/node/datagram.ts";
import { logLevels } from "./error-log.ts";
import type { LogLevel, LogSink } from "./error-log.ts";

const facilities = [
  "kern user mail daemon auth intern lpr news uucp clock authpriv ftp ntp audit alert cron",
  "local0 local1 local2 local3 local4 local5 local6 local7",
]
  .join(" ")
  .split(" ");
const severities = ["emerg", "alert", "crit", "error", "warn", "notice", "info", "debug"];
const months = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");
const portDefault = 514;
const tagCharactersMax = 32;
/** Longer messages are cut, as nginx does. */
const messageBytesMax = 2048;

/** Where and how `syslog:` sends lines. */
export interface SyslogOptions {
  readonly host: string;
  readonly port: number;
  readonly facility: number;
  /** Of access log lines; those of error logs have their level's. */
  readonly severity: number;
  readonly tag: string;
  readonly withHostname: boolean;
}

/** Whether the target of a log directive is a syslog server. */
export function isSyslog(target: string): boolean {
  return target.startsWith("syslog:");
}

/** Reads "syslog:server=…,facility=…,severity=…,tag=…,nohostname" with nginx's messages. */
export function readSyslog(scope: Scope, target: string): SyslogOptions {
  const found = new Map<string, string>();
  for (const parameter of target.slice("syslog:".length).split(",")) {
    const [, key, value] = /^(server|facility|severity|tag)=(.*)$|^nohostname$/s.exec(parameter) ?? [];
    if (key === undefined && parameter !== "nohostname")
      scope.fail(`unknown syslog parameter "${parameter}"`);
    const name = key ?? "nohostname";
    if (found.has(name) && name !== "nohostname") scope.fail(`duplicate syslog "${name}"`);
    found.set(name, value ?? "");
  }
  const server = found.get("server") ?? scope.fail("no syslog server specified");
  return {
    ...readServer(scope, server),
    facility: oneOf(scope, "facility", facilities, found.get("facility") ?? "local7"),
    severity: oneOf(scope, "severity", severities, found.get("severity") ?? "info"),
    tag: readTag(scope, found.get("tag") ?? ""),
    withHostname: !found.has("nohostname"),
  };
}

function readServer(scope: Scope, text: string): { host: string; port: number } {
  const parsed = parseHostPort(text, "connect");
  if (parsed.kind === "error") return scope.fail(`${parsed.message} in syslog server "${text}"`);
  if (parsed.kind === "host") return { host: parsed.host, port: parsed.port ?? portDefault };
  return scope.fail(
    `syslog server "${text}" is not supported by longhaul: the runtimes send no unix datagrams, name an address that the log daemon listens to by UDP`,
  );
}

function oneOf(scope: Scope, what: string, words: readonly string[], word: string): number {
  const index = words.indexOf(word);
  return index >= 0 ? index : scope.fail(`unknown syslog ${what} "${word}"`);
}

function readTag(scope: Scope, tag: string): string {
  if (tag.length > tagCharactersMax) scope.fail(`syslog tag length exceeds ${tagCharactersMax}`);
  if (/\W/.test(tag)) scope.fail('syslog "tag" only allows alphanumeric characters and underscore');
  return tag === "" ? "nginx" : tag;
}

/** Sends each line to a syslog server (RFC 3164), one datagram per line. */
export class SyslogSink implements LogSink {
  private readonly options: SyslogOptions;
  private readonly clock: Clock;
  private readonly sender: DatagramSender;

  constructor(options: SyslogOptions, clock: Clock) {
    this.options = options;
    this.clock = clock;
    this.sender = new DatagramSender(options.host, options.port);
  }

  write(line: string, level?: LogLevel): void {
    const { facility, severity, tag, withHostname } = this.options;
    const degree = level === undefined ? severity : Math.max(0, logLevels.indexOf(level) - 1);
    const host = withHostname ? `${hostname()} ` : "";
    const head = `<${facility * 8 + degree}>${syslogTime(this.clock.wall())} ${host}${tag}: `;
    const text = (head + line.replace(/\n$/, "")).slice(0, messageBytesMax);
    this.sender.send(Buffer.from(text, "latin1"));
  }

  /** Few lines will follow: of requests that began under a configuration that is not in use any more. */
  retire(): void {
    this.sender.retire();
  }
}

/** "Nov  2 13:24:00", in local time. */
function syslogTime(wallMs: number): string {
  const date = new Date(wallMs);
  const two = (value: number): string => String(value).padStart(2, "0");
  const day = `${months[date.getMonth()]} ${String(date.getDate()).padStart(2)}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}
