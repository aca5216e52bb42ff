import { connect } from "node:net";

/** The body of an answer with a length; null while it is not complete. */
function bodyOf(answer: string): string | null {
  const bodyAt = answer.indexOf("\r\n\r\n") + 4;
  const length = Number(/^content-length: *(\d+)/im.exec(answer)?.[1] ?? "0");
  return bodyAt > 3 && answer.length >= bodyAt + length ? answer.slice(bodyAt) : null;
}

/** One plain request on a connection of its own: the body when the status is 200, else null. */
export function ask(port: number, path: string): Promise<string | null> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    let answer = "";
    socket.setTimeout(1000, () => socket.destroy());
    socket.on("connect", () =>
      socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`),
    );
    socket.on("data", (chunk: Buffer) => {
      answer += chunk.toString("latin1");
      if (bodyOf(answer) !== null) socket.destroy();
    });
    socket.on("error", () => {});
    socket.on("close", () => resolve(answer.startsWith("HTTP/1.1 200") ? bodyOf(answer) : null));
  });
}
