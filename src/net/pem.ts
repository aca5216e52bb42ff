/**
 * PEM (RFC 7468) as OpenSSL reads it: text around the blocks, a byte order mark, CR LF and blanks at the ends
 * of lines do not matter. Not all TLS libraries are that patient, so files are brought to a plain form first.
 */
import { X509Certificate } from "node:crypto";

/** One block of a PEM file. */
export interface PemBlock {
  /** "CERTIFICATE", "RSA PRIVATE KEY", … */
  readonly label: string;
  /** With its first and last line, in the plain form. */
  readonly text: string;
}

const byteOrderMark = "\xef\xbb\xbf";
const block = /^-----BEGIN ([^\n]+?)-----\n[^]*?^-----END \1-----$/gm;

/** The same file without what not every TLS library puts up with. */
export function plainPem(bytes: Buffer): Buffer {
  return Buffer.from(plainText(bytes), "latin1");
}

/** The blocks of a file, in their order; text around them is left out. Empty where there are none. */
export function pemBlocks(bytes: Buffer): readonly PemBlock[] {
  return [...plainText(bytes).matchAll(block)].map(([text, label = ""]) => ({ label, text: `${text}\n` }));
}

/** What a block holds; only for blocks that are not encrypted. */
export function derOf({ text }: PemBlock): Buffer {
  return Buffer.from(text.replaceAll(/^-----.*$/gm, ""), "base64");
}

/** A block of that content. */
export function pemOf(label: string, der: Buffer): string {
  const lines = der.toString("base64").match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ""].join("\n");
}

/** Certificates of every kind of block that a file may have them in. What cannot be read is left out. */
export function certificatesIn(bytes: Buffer): readonly X509Certificate[] {
  return pemBlocks(bytes).flatMap(({ label, text }) => {
    if (!isCertificate(label)) return [];
    try {
      return [new X509Certificate(text)];
    } catch {
      return [];
    }
  });
}

/** Labels of certificates: all that OpenSSL takes for one. */
export function isCertificate(label: string): boolean {
  return /^(?:TRUSTED |X509 )?CERTIFICATE$/.test(label);
}

function plainText(bytes: Buffer): string {
  const text = bytes.toString("latin1");
  const start = text.startsWith(byteOrderMark) ? byteOrderMark.length : 0;
  return text.slice(start).replaceAll(/[\0-\t\v- ]+$/gm, "");
}
