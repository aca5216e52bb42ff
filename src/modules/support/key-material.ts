/**
 * Certificates, keys and what else TLS needs in files: read and checked, with the messages that nginx
 * prints for what cannot be used.
 */
import { createPrivateKey, X509Certificate } from "node:crypto";
import type { KeyObject } from "node:crypto";
import { ConfigError } from "../../config/errors.ts";
import type { Scope } from "../../config/scope.ts";
import { derAt, derElement, derElements, derTags } from "../../net/der.ts";
import type { DerElement } from "../../net/der.ts";
import type { TlsContextOptions } from "../../net/network.ts";
import { derOf, pemBlocks, pemOf, plainPem } from "../../net/pem.ts";
import type { PemBlock } from "../../net/pem.ts";

type CertificateAndKey = TlsContextOptions["certificates"][number];

/** Reads a file by its full name. @throws ConfigError */
export type ReadFile = (path: string) => Buffer;

/** Full name of a file beside the configuration; "data:" is followed by the content itself. */
export function keyFileName(scope: Scope, path: string): string {
  return path.startsWith("/") || path.startsWith("data:") ? path : scope.cycle.confDirectory + path;
}

/** Refuses keys that lie in engines and stores. `directive` is named in the message. */
export function refuseKeyStore(scope: Scope, directive: string, path: string): void {
  const [, store] = /^(engine|store):/.exec(path) ?? [];
  if (store !== undefined)
    scope.fail(`"${store}:" in the "${directive}" directive is not supported by longhaul`);
}

/** Reads a file that must be there when its directive is read: what fails is told with the directive's place. */
export function readAtDirective(scope: Scope, read: ReadFile, path: string): Buffer {
  try {
    return read(path);
  } catch (error) {
    if (error instanceof ConfigError) scope.fail(error.message);
    throw error;
  }
}

/** The passphrases of a file: one per line, empty lines left out. @throws ConfigError when it cannot be read */
export function readPassphrases(scope: Scope, path: string): string[] {
  const text = readAtDirective(scope, (name) => scope.cycle.readFile(name), keyFileName(scope, path));
  const lines = text.toString("latin1").split("\n");
  return lines.map((line) => line.replace(/\r$/, "")).filter((line) => line !== "");
}

/**
 * A certificate chain and its key, checked to belong together.
 *
 * @param passphrases tried in turn for an encrypted key
 * @throws ConfigError
 */
export function loadCertificateAndKey(
  read: ReadFile,
  chainPath: string,
  keyPath: string,
  passphrases: readonly string[],
): CertificateAndKey {
  const chain = loadCertificate(read, chainPath);
  const key = readPem(read, "certificate key", keyPath);
  const { object, passphrase } = decryptKey(key, keyPath, passphrases);
  const { certificate } = chain;
  const sameKind = certificate.publicKey.asymmetricKeyType === object.asymmetricKeyType;
  if (sameKind && !certificate.checkPrivateKey(object)) {
    fail(`SSL_CTX_use_PrivateKey("${keyPath}") failed (SSL: ${keyValuesMismatch})`);
  }
  const kind = object.asymmetricKeyType ?? "";
  return { chain: chain.pem, key, kind, ...(passphrase === null ? {} : { passphrase }) };
}

/** Certificates that others are checked against, or a list of revoked ones. @throws ConfigError */
export function loadAuthorities(read: ReadFile, path: string): Buffer {
  return loadChecked(
    read,
    path,
    "SSL_CTX_load_verify_locations",
    /-----BEGIN (?:TRUSTED |X509 )?(?:CERTIFICATE|CRL)-----/,
  );
}

/** A file of revocation lists, as PEM. @throws ConfigError when it cannot be read or holds nothing of that kind */
export function loadRevocations(read: ReadFile, path: string): Buffer {
  return loadChecked(read, path, "X509_LOOKUP_load_file", /-----BEGIN (?:X509 )?(?:CERTIFICATE|CRL)-----/);
}

/** Parameters of DHE, as PEM of PKCS #3. @throws ConfigError when the file cannot be read or holds none */
export function loadDhParameters(read: ReadFile, path: string): Buffer {
  const pem = readOrFail(read, path, (detail) => `BIO_new_file("${path}") failed (SSL: ${detail})`);
  const found = pemBlocks(pem).find(({ label }) => /^(?:X9\.42 )?DH PARAMETERS$/.test(label));
  const plain = found === undefined ? null : plainDhParameters(found);
  if (plain !== null) return plain;
  return fail(`PEM_read_bio_DHparams("${path}") failed (SSL: ${noStartLine}:Expecting: DH PARAMETERS)`);
}

/** Prime and generator alone, PKCS #3: ANSI X9.42 has more behind them, which the runtimes' readers do not know. */
function plainDhParameters(block: PemBlock): Buffer | null {
  const der = derOf(block);
  const whole = derAt(der, 0);
  if (whole === null) return null;
  const [prime, second] = derElements(der, whole.start, whole.end).filter(
    ({ tag }) => tag === derTags.integer,
  );
  if (prime === undefined || second === undefined) return null;
  const integer = ({ start, end }: DerElement): Buffer =>
    derElement(derTags.integer, der.subarray(start, end));
  const numbers = Buffer.concat([integer(prime), integer(second)]);
  return Buffer.from(pemOf("DH PARAMETERS", derElement(derTags.sequence, numbers)));
}

const noStartLine = "error:0480006C:PEM routines::no start line";
const keyValuesMismatch = "error:05800074:x509 certificate routines::key values mismatch";
const unsupported =
  "error:1E08010C:DECODER routines::unsupported:No supported data to decode. Input type: PEM";
const badDecrypt =
  "error:1C800064:Provider routines::bad decrypt error:11800074:PKCS12 routines::pkcs12 cipherfinal error:maybe wrong password";
const noPassphrase = "error:04800068:PEM routines::bad password read";
const nothingFound = "error:05800088:x509 certificate routines::no certificate or crl found";

function loadCertificate(read: ReadFile, path: string): { pem: Buffer; certificate: X509Certificate } {
  const pem = readPem(read, "certificate", path);
  const reason = (detail: string): string =>
    `cannot load certificate "${path}": PEM_read_bio_X509_AUX() failed (SSL: ${detail})`;
  if (!/-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----/.test(pem.toString("latin1"))) {
    fail(reason(`${noStartLine}:Expecting: TRUSTED CERTIFICATE`));
  }
  try {
    return { pem, certificate: new X509Certificate(pem) };
  } catch (error) {
    return fail(reason(wordsOf(error)));
  }
}

function decryptKey(
  pem: Buffer,
  path: string,
  passphrases: readonly string[],
): { object: KeyObject; passphrase: string | null } {
  const refuse = (detail: string): never =>
    fail(`cannot load certificate key "${path}": PEM_read_bio_PrivateKey() failed (SSL: ${detail})`);
  if (!pem.toString("latin1").includes("ENCRYPTED")) {
    try {
      return { object: createPrivateKey(pem), passphrase: null };
    } catch {
      return refuse(unsupported);
    }
  }
  for (const passphrase of passphrases) {
    try {
      return { object: createPrivateKey({ key: pem, passphrase }), passphrase };
    } catch {
      // The next one may fit.
    }
  }
  return refuse(passphrases.length > 0 ? badDecrypt : noPassphrase);
}

function loadChecked(read: ReadFile, path: string, call: string, content: RegExp): Buffer {
  const failed = (detail: string): string => `${call}("${path}") failed (SSL: ${detail})`;
  const libraryError = " error:05880002:x509 certificate routines::system lib";
  const pem = readOrFail(read, path, (detail) => failed(detail + libraryError));
  return content.test(pem.toString("latin1")) ? pem : fail(failed(nothingFound));
}

function readPem(read: ReadFile, what: "certificate" | "certificate key", path: string): Buffer {
  if (path.startsWith("data:")) return plainPem(Buffer.from(path.slice(5), "latin1"));
  return readOrFail(
    read,
    path,
    (detail) => `cannot load ${what} "${path}": BIO_new_file() failed (SSL: ${detail})`,
  );
}

/** A missing file is told as OpenSSL tells it. */
function readOrFail(read: ReadFile, path: string, message: (detail: string) => string): Buffer {
  try {
    return plainPem(read(path));
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const reason = /\(\d+: (.*)\)/.exec(error.message)?.[1] ?? error.message;
    const missing = reason === "No such file or directory";
    const number = reason === "Permission denied" ? "8000000D" : "80000002";
    const second = missing ? "10000080:BIO routines::no such file" : "10080002:BIO routines::system lib";
    return fail(
      message(`error:${number}:system library::${reason}:calling fopen(${path}, r) error:${second}`),
    );
  }
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** nginx tells no place for these: they come up when all has been read. */
function fail(message: string): never {
  throw new ConfigError(message, "", 0);
}
