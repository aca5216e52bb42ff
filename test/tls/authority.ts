/** Certificates and lists of revoked ones, made by OpenSSL's own program. */
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Makes key material in a directory: files `<name>.crt`, `<name>.key`, `<name>.crl`. */
export class Authority {
  readonly directory: string;

  constructor(directory: string) {
    this.directory = directory;
    mkdirSync(directory, { recursive: true });
  }

  path(file: string): string {
    return join(this.directory, file);
  }

  run(...args: string[]): string {
    return execFileSync("openssl", args, {
      cwd: this.directory,
      encoding: "latin1",
      stdio: ["ignore", "pipe", "pipe"],
    });
  }

  /** A certificate that `issuer` signs, or that signs itself. */
  make(name: string, issuer: string | null, isAuthority = false): void {
    this.run("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", `${name}.key`);
    this.run("req", "-new", "-key", `${name}.key`, "-subj", `/CN=${name}`, "-out", `${name}.csr`);
    const uses = isAuthority ? "CA:TRUE" : `CA:FALSE\nsubjectAltName=DNS:${name}`;
    writeFileSync(this.path(`${name}.ext`), `basicConstraints=${uses}\n`);
    const signer =
      issuer === null ? ["-signkey", `${name}.key`] : ["-CA", `${issuer}.crt`, "-CAkey", `${issuer}.key`];
    const request = ["x509", "-req", "-in", `${name}.csr`, ...signer];
    const facts = ["-set_serial", String(this.serial++), "-days", "3650", "-extfile", `${name}.ext`];
    this.run(...request, ...facts, "-out", `${name}.crt`);
  }

  /** The list of what an authority has revoked. */
  revoke(issuer: string, names: readonly string[]): void {
    const config = `${issuer}.cnf`;
    writeFileSync(this.path(`${issuer}.index`), "");
    writeFileSync(
      this.path(config),
      `[ca]\ndefault_ca=own\n[own]\ndatabase=${issuer}.index\ndefault_md=sha256\ndefault_crl_days=3650\n`,
    );
    const as = ["-config", config, "-cert", `${issuer}.crt`, "-keyfile", `${issuer}.key`];
    for (const name of names) this.run("ca", "-revoke", `${name}.crt`, ...as);
    this.run("ca", "-gencrl", ...as, "-out", `${issuer}.crl`);
  }

  private serial = 1;
}
