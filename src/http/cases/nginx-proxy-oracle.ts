import { createServer } from "node:net";
import { join } from "node:path";
import { exchange, startNginx } from "./nginx-oracle.ts";

/** nginx as a proxy between a client and an upstream that are both in this process. */
export interface ProxyOracle {
  /**
   * Sends a request; the upstream answers with `response`, whatever it got, and closes.
   * @returns the client's answer, and what the upstream got
   */
  pass(request: Buffer, response: Buffer): Promise<{ readonly answer: string; readonly forwarded: string }>;
  stop(): Promise<void>;
}

/** Starts nginx and the upstream behind it, on unix sockets. Rejects when nginx does not start. */
export async function startProxyOracle(): Promise<ProxyOracle> {
  const nginx = await startNginx(
    (directory) => `  server {
    listen unix:${directory}/0.sock;
    client_max_body_size 0;
    location / {
      proxy_pass http://unix:${directory}/upstream.sock:;
      proxy_http_version 1.1;
      proxy_buffer_size 4096;
      proxy_buffers 8 4096;
      proxy_ignore_client_abort on;
    }
  }`,
  );
  let response = Buffer.alloc(0);
  let forwarded = "";
  const upstream = createServer((connection) => {
    forwarded = "";
    connection.on("error", () => {});
    connection.on("data", (chunk: Buffer) => {
      forwarded += chunk.toString("latin1");
      if (isComplete(forwarded)) connection.end(response);
    });
  });
  await new Promise<void>((resolve) => upstream.listen(join(nginx.directory, "upstream.sock"), resolve));
  return {
    async pass(request, bytes) {
      response = Buffer.from(bytes);
      const answer = await exchange(join(nginx.directory, "0.sock"), request);
      return { answer, forwarded };
    },
    async stop() {
      await new Promise((resolve) => upstream.close(resolve));
      await nginx.stop();
    },
  };
}

/** nginx has read a chunked body to its end before it passes it on with a Content-Length. */
function isComplete(request: string): boolean {
  const headEnd = request.indexOf("\r\n\r\n");
  const length = /\r\nContent-Length: (\d+)/.exec(request);
  return headEnd >= 0 && request.length - headEnd - 4 >= Number(length?.[1] ?? 0);
}
