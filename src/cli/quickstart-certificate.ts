import { createPrivateKey, webcrypto, X509Certificate } from "node:crypto";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { isIP } from "node:net";
import path from "node:path";

/** A self-signed certificate and its key, both PEM. */
export interface CertificatePair {
  readonly chain: string;
  readonly key: string;
}

const keyAlgorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const dayMs = 24 * 60 * 60 * 1000;
/** Browsers refuse server certificates that live longer than 398 days. */
const lifetimeDays = 397;

/** Makes a self-signed P-256 server certificate for `names` (host names and IP addresses). */
export async function makeCertificate(names: readonly string[]): Promise<CertificatePair> {
  // Loaded here, not above: only the first quick start needs it, and it costs 60 ms. It looks for
  // Reflect.getMetadata when it loads, so the order of the two matters.
  await import("reflect-metadata");
  const x509 = await import("@peculiar/x509");
  const keys = await webcrypto.subtle.generateKey(keyAlgorithm, true, ["sign", "verify"]);
  const now = Date.now();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    // A serial number must be positive: 0x01 in front keeps the sign bit clear.
    serialNumber: `01${Buffer.from(webcrypto.getRandomValues(new Uint8Array(15))).toString("hex")}`,
    name: "CN=Longhaul self-made",
    notBefore: new Date(now - dayMs),
    notAfter: new Date(now + (lifetimeDays - 1) * dayMs),
    signingAlgorithm: keyAlgorithm,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension(
        names.map((name) => ({ type: isIP(name) === 0 ? "dns" : "ip", value: name })),
      ),
    ],
  });
  const key = await webcrypto.subtle.exportKey("pkcs8", keys.privateKey);
  return {
    chain: `${certificate.toString("pem")}\n`,
    key: `${x509.PemConverter.encode(key, "PRIVATE KEY")}\n`,
  };
}

/**
 * Makes sure that `directory` holds `certificate.pem` and `certificate.key`, still good for a day.
 *
 * @returns true when a new pair was made.
 * @throws the file system's errors.
 */
export async function ensureCertificate(directory: string, names: readonly string[]): Promise<boolean> {
  const chainPath = path.join(directory, "certificate.pem");
  const keyPath = path.join(directory, "certificate.key");
  if (await isUsable(chainPath, keyPath)) return false;
  const pair = await makeCertificate(names);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await replaceFile(keyPath, pair.key);
  await replaceFile(chainPath, pair.chain);
  return true;
}

async function isUsable(chainPath: string, keyPath: string): Promise<boolean> {
  try {
    const certificate = new X509Certificate(await readFile(chainPath));
    const key = createPrivateKey(await readFile(keyPath));
    return certificate.checkPrivateKey(key) && Date.parse(certificate.validTo) > Date.now() + dayMs;
  } catch {
    return false;
  }
}

/** A reader never sees half a file, and the key is never readable by others. */
async function replaceFile(file: string, text: string): Promise<void> {
  const temporary = `${file}.${process.pid}`;
  await writeFile(temporary, text, { mode: 0o600 });
  await rename(temporary, file);
}
