import { readFileSync, statSync } from "node:fs";
import { ConfigError, describeErrno } from "../../config/errors.ts";
import type { Scope } from "../../config/scope.ts";
import type { Directive } from "../../config/tree.ts";
import { parseNumber, parseSeconds } from "../../config/values.ts";
import { systemPath } from "../../config/system-path.ts";
import type { Request } from "../../gateway/request/request.ts";
import type { Value } from "../../gateway/serve/settings.ts";
import type { Network, TlsContext, TlsContextOptions } from "../../net/network.ts";
import { loadCertificateAndKey } from "../support/key-material.ts";

/** Contexts that are kept ready at most where no cache says otherwise; names may come from clients. */
const contextsMax = 64;

/** `ssl_certificate_cache` and its like. */
export interface CertificateCache {
  readonly max: number;
  /** What is not used for so long is given up. */
  readonly inactiveSeconds: number;
  /** For so long files are not looked at again. */
  readonly validSeconds: number;
}

/** A certificate and its key, as a directive names them. An empty certificate shows none. */
export interface NamedPair {
  readonly certificate: Value;
  readonly key: Value;
}

interface Kept {
  readonly context: TlsContext;
  /** Of the files. */
  readonly version: string;
  checkedMs: number;
  usedMs: number;
}

/** TLS contexts whose certificates' names hold variables: read when a request, or a handshake, first wants them. */
export class VariableCertificates {
  private readonly network: Network;
  private readonly options: TlsContextOptions;
  private readonly pairs: readonly NamedPair[];
  private readonly fullName: (path: string) => string;
  private readonly passphrases: readonly string[];
  private readonly cache: CertificateCache;
  /** By the names of the files; the one not used for longest stands first. */
  private readonly contexts = new Map<string, Kept>();

  constructor(init: {
    network: Network;
    /** Of the context, apart from certificates. */
    options: TlsContextOptions;
    pairs: readonly NamedPair[];
    fullName: (path: string) => string;
    passphrases: readonly string[];
    /** Null: files are looked at each time. */
    cache: CertificateCache | null;
  }) {
    this.network = init.network;
    this.options = init.options;
    this.pairs = init.pairs;
    this.fullName = init.fullName;
    this.passphrases = init.passphrases;
    this.cache = init.cache ?? { max: contextsMax, inactiveSeconds: Infinity, validSeconds: 0 };
  }

  /** Null where certificate or key cannot be used: `tell` is given nginx's words for the log. */
  contextFor(request: Request, tell: (reason: string) => void): TlsContext | null {
    try {
      return this.find(request);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      // OpenSSL's call for one connection has another name than that for a context.
      tell(reason.replace("SSL_CTX_use_", "SSL_use_"));
      return null;
    }
  }

  private find(request: Request): TlsContext {
    const names = this.pairs.flatMap(({ certificate, key }) => {
      const name = certificate.evaluate(request);
      return name === "" ? [] : [this.fullName(name), this.fullName(key.evaluate(request))];
    });
    const identity = JSON.stringify(names);
    const now = this.network.clock.now();
    const known = this.contexts.get(identity);
    const { validSeconds, inactiveSeconds } = this.cache;
    const isFresh = known !== undefined && now - known.usedMs < inactiveSeconds * 1000;
    if (isFresh && now - known.checkedMs < validSeconds * 1000) return this.keep(identity, known, now);
    // A file that was replaced is another one.
    const version = names.map(versionOf).join(" ");
    if (isFresh && known.version === version) {
      known.checkedMs = now;
      return this.keep(identity, known, now);
    }
    const context = this.network.tlsContext({ ...this.options, certificates: this.load(names) });
    return this.keep(identity, { context, version, checkedMs: now, usedMs: now }, now);
  }

  private keep(identity: string, kept: Kept, now: number): TlsContext {
    this.contexts.delete(identity);
    kept.usedMs = now;
    this.contexts.set(identity, kept);
    const [oldest] = this.contexts.keys();
    if (this.contexts.size > this.cache.max && oldest !== undefined) this.contexts.delete(oldest);
    return kept.context;
  }

  private load(names: readonly string[]): TlsContextOptions["certificates"] {
    const count = names.length / 2;
    return Array.from({ length: count }, (_, index) =>
      loadCertificateAndKey(readNow, names[2 * index]!, names[2 * index + 1]!, this.passphrases),
    );
  }
}

/** Reads `max=N [inactive=time] [valid=time]`, or `off`. */
export function certificateCache({ name, args }: Directive, scope: Scope): CertificateCache | null {
  let max = 0;
  let inactiveSeconds = 10;
  let validSeconds = 60;
  for (const arg of args) {
    if (arg === "off" && args.length === 1) return null;
    const [, word = "", value = ""] = /^(max|inactive|valid)=(.*)$/.exec(arg) ?? [];
    const number = word === "max" ? parseNumber(value) : word === "" ? null : parseSeconds(value);
    if (number === null || (word === "max" && number === 0)) return scope.fail(`invalid parameter "${arg}"`);
    if (word === "max") max = number;
    else if (word === "inactive") inactiveSeconds = number;
    else validSeconds = number;
  }
  return max > 0
    ? { max, inactiveSeconds, validSeconds }
    : scope.fail(`"${name}" must have the "max" parameter`);
}

function versionOf(path: string): string {
  if (path.startsWith("data:")) return "";
  try {
    const { mtimeMs, size, ino } = statSync(systemPath(path));
    return `${mtimeMs} ${size} ${ino}`;
  } catch {
    return "";
  }
}

/** @throws ConfigError */
function readNow(path: string): Buffer {
  try {
    return readFileSync(systemPath(path));
  } catch (error) {
    throw new ConfigError(`open() "${path}" failed ${describeErrno(error)}`, "", 0);
  }
}
