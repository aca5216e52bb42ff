import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Paths of PEM files: chain, key, and both in one as haproxy wants them. */
export interface CertificateFiles {
  readonly certificate: string;
  readonly key: string;
  readonly combined: string;
}

/** A self-signed ECDSA P-256 certificate for localhost. @throws Error when openssl is missing. */
export function makeCertificate(directory: string): CertificateFiles {
  const [certificate, key, combined] = ["certificate.pem", "key.pem", "combined.pem"].map((name) =>
    join(directory, name),
  ) as [string, string, string];
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  const name = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"];
  const files = ["-keyout", key, "-out", certificate];
  execFileSync("openssl", ["req", "-x509", "-days", "30", ...curve, ...name, ...files], { stdio: "ignore" });
  writeFileSync(combined, readFileSync(certificate, "latin1") + readFileSync(key, "latin1"));
  return { certificate, key, combined };
}
