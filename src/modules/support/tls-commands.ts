/**
 * `ssl_conf_command` and `proxy_ssl_conf_command`: commands of OpenSSL's configuration (SSL_CONF_cmd(3)), brought
 * about by what the runtime has. What it does not have is refused: who names a command relies on it.
 */
import { ConfigError } from "../../config/errors.ts";
import type { Scope } from "../../config/scope.ts";
import type { Directive } from "../../config/tree.ts";
import type { Network, TlsContextOptions } from "../../net/network.ts";
import { plainTlsOptions } from "../../net/network.ts";
import { loadCertificateAndKey, loadDhParameters } from "./key-material.ts";
import type { ReadFile } from "./key-material.ts";
import { applyOptions, optionsIn, optionsWithoutEffect } from "./tls-options.ts";

/** A command as written. */
export interface TlsCommand {
  readonly directive: string;
  readonly name: string;
  readonly value: string;
  readonly file: string;
  readonly line: number;
}

/** What commands are carried out with. */
export interface CommandTools {
  readonly network: Network;
  readonly read: ReadFile;
  readonly fullName: (path: string) => string;
  readonly passphrases: readonly string[];
}

/** Reads one directive. Tells of options that mean nothing here; what is wrong with others `applyCommands` tells. */
export function readCommand({ name: directive, args, file, line }: Directive, scope: Scope): TlsCommand {
  const [name = "", value = ""] = args;
  const idle = name.toLowerCase() === "options" ? optionsWithoutEffect(value) : [];
  for (const option of idle) {
    scope.notice(`"${option}" in the "${directive}" directive has no effect: the runtime encrypts by itself`);
  }
  return { directive, name, value, file, line };
}

/**
 * The options with all that the commands say, in their order. They come after the directives of their own.
 *
 * @throws ConfigError in nginx's words for what OpenSSL would not take, with the directive's place for what the
 *   runtime cannot do
 */
export function applyCommands(
  options: TlsContextOptions,
  commands: readonly TlsCommand[],
  tools: CommandTools,
): TlsContextOptions {
  let result = options;
  for (const command of commands) {
    const run = carriedOut[command.name.toLowerCase()];
    if (run === undefined) refuseUnknown(command);
    else result = run(result, command, tools);
  }
  return withCertificates(result, commands, tools);
}

type Run = (options: TlsContextOptions, command: TlsCommand, tools: CommandTools) => TlsContextOptions;

const versions = ["SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"];

const curves: Run = (options, command, { network }) => {
  const { value } = command;
  const list = value.split(":");
  const wrong = list.find((curve) => !isUsable(network, { curves: curve }));
  if (wrong === undefined) return { ...options, curves: value };
  const detail = `error:0A080106:SSL routines::passed invalid argument:group '${wrong}' cannot be set `;
  return badValue(command, detail);
};

const carriedOut: Readonly<Record<string, Run>> = {
  minprotocol(options, command) {
    const first = boundOf(command);
    return first === null ? options : within(options, (index) => index >= first);
  },
  maxprotocol(options, command) {
    const last = boundOf(command);
    return last === null ? options : within(options, (index) => index <= last);
  },
  protocol(options, command) {
    const list = optionsIn(command.value);
    if (list === null) return badValue(command);
    const protocols = new Set(options.protocols);
    for (const { name, on } of list) {
      const named = name === "all" ? versions : versions.filter((version) => version.toLowerCase() === name);
      const isKnown = named.length > 0 || ["sslv2", "dtlsv1", "dtlsv1.2"].includes(name);
      if (!isKnown) return badValue(command);
      for (const version of named)
        if (on) protocols.add(version);
        else protocols.delete(version);
    }
    return { ...options, protocols: [...protocols] };
  },
  cipherstring(options, command, { network }) {
    const { value } = command;
    return value !== "" && isUsable(network, { ciphers: value })
      ? { ...options, ciphers: value }
      : badValue(command, noCipher);
  },
  ciphersuites(options, command, { network }) {
    const { value } = command;
    if (network.tlsLibrary === "boringssl") {
      return refuse(command, "the runtime's TLS library does not let the suites of TLS 1.3 be chosen");
    }
    return isUsable(network, { cipherSuites: value })
      ? { ...options, cipherSuites: value }
      : badValue(command, noCipher);
  },
  curves,
  groups: curves,
  ecdhparameters: (options, command, tools) =>
    /^(?:\+?automatic|auto)$/i.test(command.value) ? options : curves(options, command, tools),
  signaturealgorithms(options, command, { network }) {
    const { value } = command;
    if (network.tlsLibrary === "boringssl") {
      return refuse(command, "the runtime has no option for it");
    }
    return isUsable(network, { signatureAlgorithms: value })
      ? { ...options, signatureAlgorithms: value }
      : badValue(command);
  },
  options(options, command, { network }) {
    const result = applyOptions(options, command.value, network.tlsLibrary);
    if (result === "unknown") return badValue(command);
    if (!("impossible" in result)) return result;
    return refuse(command, `the runtime's TLS library does not let "${result.impossible}" be set so`);
  },
  dhparameters(options, command, { network, read, fullName }) {
    if (network.tlsLibrary === "boringssl") return refuse(command, "the runtime's TLS library has no DHE");
    return { ...options, dhparam: loadOrBad(command, fullName, (path) => loadDhParameters(read, path)) };
  },
  // Both at once, when all commands were read.
  certificate: (options) => options,
  privatekey: (options) => options,
};

/** What OpenSSL knows and no runtime lets one say. */
const notToBeHad = new Set(
  `clientsignaturealgorithms verifymode serverinfofile chaincapath chaincafile chaincastore verifycapath
  verifycafile verifycastore requestcafile clientcafile requestcapath clientcapath requestcastore clientcastore
  recordpadding numtickets`.split(/\s+/),
);

const noCipher = "error:0A0000B9:SSL routines::no cipher match ";

function boundOf(command: TlsCommand): number | null {
  if (command.value === "None") return null;
  const index = versions.indexOf(command.value);
  return index < 0 ? badValue(command) : index;
}

function within(options: TlsContextOptions, isInside: (index: number) => boolean): TlsContextOptions {
  return {
    ...options,
    protocols: options.protocols.filter((version) => isInside(versions.indexOf(version))),
  };
}

function isUsable(network: Network, part: Partial<TlsContextOptions>): boolean {
  try {
    network.tlsContext({ ...plainTlsOptions, ...part });
    return true;
  } catch {
    return false;
  }
}

/** `Certificate` and `PrivateKey` take the place of a certificate whose key is of the same kind. */
function withCertificates(
  options: TlsContextOptions,
  commands: readonly TlsCommand[],
  { read, fullName, passphrases }: CommandTools,
): TlsContextOptions {
  const named = (name: string): readonly TlsCommand[] =>
    commands.filter((command) => command.name.toLowerCase() === name);
  const chains = named("certificate");
  const keys = named("privatekey");
  const alone = chains[keys.length] ?? keys[chains.length];
  if (alone !== undefined) refuse(alone, "certificate and key must be named together");
  let { certificates } = options;
  for (const [index, chain] of chains.entries()) {
    const pair = loadOrBad(chain, fullName, (path) =>
      loadCertificateAndKey(read, path, fullName(keys[index]!.value), passphrases),
    );
    certificates = [...certificates.filter(({ kind }) => kind !== pair.kind), pair];
  }
  return { ...options, certificates };
}

function loadOrBad<T>(command: TlsCommand, fullName: (path: string) => string, load: (path: string) => T): T {
  const path = fullName(command.value);
  try {
    return load(path);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const [missing] = /error:8000[0-9A-F]{4}:.*?, r\)/.exec(error.message) ?? [];
    const isPair = command.name.toLowerCase() !== "dhparameters";
    const layers = `error:10080002:BIO routines::system lib ${isPair ? "error:0A080002:SSL routines::system lib " : ""}`;
    return badValue({ ...command, value: path }, missing === undefined ? "" : `${missing} ${layers}`);
  }
}

function refuseUnknown(command: TlsCommand): void {
  const { name, value } = command;
  if (notToBeHad.has(name.toLowerCase())) refuse(command, "the runtime has no option for it");
  const detail = `error:0A000182:SSL routines::unknown cmd name:cmd=${name}`;
  throw new ConfigError(`SSL_CONF_cmd("${name}", "${value}") failed (SSL: ${detail})`, "", 0);
}

/** `before`: what OpenSSL says of the reason, with a space behind it. */
function badValue({ name, value }: TlsCommand, before = ""): never {
  const detail = `${before}error:0A000180:SSL routines::bad value:cmd=${name}, value=${value}`;
  throw new ConfigError(`SSL_CONF_cmd("${name}", "${value}") failed (SSL: ${detail})`, "", 0);
}

function refuse({ directive, name, file, line }: TlsCommand, reason: string): never {
  throw new ConfigError(
    `"${name}" in the "${directive}" directive is not supported by longhaul: ${reason}`,
    file,
    line,
  );
}
