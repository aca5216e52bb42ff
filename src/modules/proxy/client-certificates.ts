import { readFileSync, statSync } from "node:fs";
import { ConfigError, describeErrno } from "../../config/errors.ts";
import { systemPath } from "../../gateway/file-path.ts";
import type { Request } from "../../gateway/request.ts";
import type { Value } from "../../gateway/settings.ts";
import type { Network, TlsContext, TlsContextOptions } from "../../net/network.ts";
import { loadCertificateAndKey } from "../key-material.ts";

/** Certificates that are kept ready at most; names may come from clients. */
const contextsMax = 64;

/** Certificates shown to servers whose names hold variables: read when a request first wants them. */
export class ClientCertificates {
  private readonly network: Network;
  private readonly options: TlsContextOptions;
  private readonly certificate: Value;
  private readonly key: Value;
  private readonly fullName: (path: string) => string;
  private readonly passphrases: readonly string[];
  private readonly contexts = new Map<string, TlsContext>();

  constructor(init: {
    network: Network;
    /** Of the context, apart from certificates. */
    options: TlsContextOptions;
    certificate: Value;
    key: Value;
    fullName: (path: string) => string;
    passphrases: readonly string[];
  }) {
    this.network = init.network;
    this.options = init.options;
    this.certificate = init.certificate;
    this.key = init.key;
    this.fullName = init.fullName;
    this.passphrases = init.passphrases;
  }

  /** Null, with a line in the log, where certificate or key cannot be used. An empty name shows none. */
  contextFor(request: Request): TlsContext | null {
    const certificate = this.certificate.evaluate(request);
    const names =
      certificate === "" ? [] : [certificate, this.key.evaluate(request)].map((name) => this.fullName(name));
    // A file that was replaced is another one.
    const identity = names.map((name) => `${name} ${versionOf(name)}`).join(" ");
    const known = this.contexts.get(identity);
    if (known !== undefined) return known;
    try {
      const context = this.network.tlsContext({ ...this.options, certificates: this.load(names) });
      if (this.contexts.size >= contextsMax) this.contexts.clear();
      this.contexts.set(identity, context);
      return context;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      // OpenSSL's call for one connection has another name than that for a context.
      request.log("error", `${reason.replace("SSL_CTX_use_", "SSL_use_")} while connecting to upstream`);
      return null;
    }
  }

  private load([chain, key]: readonly string[]): TlsContextOptions["certificates"] {
    if (chain === undefined || key === undefined) return [];
    return [loadCertificateAndKey(readNow, chain, key, this.passphrases)];
  }
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
