/** A TLS client that shows more than a library's: OpenSSL's own program. */
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { isOnPath } from "../support/gateway.ts";

export const certificates: string = fileURLToPath(new URL("../case-runner/certificates", import.meta.url));

/** False, or why tests with it are skipped. */
export const noOpenssl: string | false = isOnPath("openssl") ? false : "openssl is not installed here";

/** What `openssl s_client` saw. */
export interface Seen {
  /** All that it printed. */
  readonly text: string;
  /** The answer's body; null where no answer came. */
  readonly body: string | null;
}

/** Far beyond what a handshake takes; a hang then shows as such. */
const timeoutMs = 20_000;

/** One connection with one request. `flags`: of s_client; a name by SNI is sent only with `-servername`. */
export function request(port: number, flags: readonly string[], host = "localhost"): Promise<Seen> {
  return talk(port, flags, `GET / HTTP/1.0\r\nHost: ${host}\r\n\r\n`);
}

/** One connection; `input` is sent as it is, and `then` once an answer has come. */
export function talk(port: number, flags: readonly string[], input: string, then = ""): Promise<Seen> {
  return new Promise((resolve, reject) => {
    const sni = flags.includes("-servername") ? [] : ["-noservername"];
    const all = ["s_client", "-connect", `127.0.0.1:${port}`, "-ign_eof", ...sni, ...flags];
    const child = spawn("openssl", all, { stdio: ["pipe", "pipe", "pipe"] });
    const killer = setTimeout(() => child.kill("SIGKILL"), timeoutMs);
    let text = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("latin1").on("data", (piece: string) => {
        text += piece;
        if (then !== "" && text.includes("HTTP/1.1 200")) {
          child.stdin.write(then);
          then = "";
        }
      });
    }
    child.on("error", reject);
    child.stdin.on("error", () => {});
    child.on("close", () => {
      clearTimeout(killer);
      resolve({ text, body: bodyIn(text) });
    });
    child.stdin.write(input);
  });
}

/** s_client prints about sessions amid the answer's end; so the length counts. */
function bodyIn(text: string): string | null {
  const answer = /HTTP\/1\.[01] \d+[^]*?\r\n\r\n/.exec(text);
  const length = /\r\nContent-Length: (\d+)\r\n/.exec(answer?.[0] ?? "")?.[1];
  if (answer === null || length === undefined) return null;
  const start = answer.index + answer[0].length;
  return text.slice(start, start + Number(length));
}
