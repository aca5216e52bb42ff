import { join } from "node:path";
import type { Target, TlsChoice } from "./client.ts";
import type { StepRule } from "./step.ts";
import { show, unquote } from "./text.ts";
import { failCase, type World } from "./world.ts";

/** Lines that make the client do something, or that look at its connection. */
export const CLIENT_STEPS: readonly StepRule[] = [
  {
    pattern:
      /^connect (\S+)(?: behind (".*"))?(?: (tls)(?: (?!TLSv|as |h2$|h2 |offering )(\S+))?(?: (TLSv1\.[23]))?(?: as (\w+))?(?: offering (\S+))?)?(?: (h2)(?: (bare|with .*))?)?$/,
    async run(
      world,
      [where = "", first = "", tls = "", name = "", version = "", client = "", offer = "", h2 = "", how = ""],
    ) {
      const choice: TlsChoice = {
        serverName: name === "" ? null : name,
        version: version === "TLSv1.2" || version === "TLSv1.3" ? version : null,
        protocols: offer === "" ? (h2 === "" ? null : ["h2"]) : offer.split(","),
        certificate: client === "" ? null : client,
      };
      const bytes = first === "" ? "" : unquote(first);
      const settings = how.startsWith("with ") ? how.slice(5).split(" ") : null;
      const http2 = h2 === "" ? null : { settings, bare: how === "bare" };
      await world.connect(targetOf(world, where), tls === "" ? null : choice, bytes, http2);
    },
  },
  {
    pattern: /^handshake fails$/,
    run(world) {
      if (world.connectError === null) failCase("the handshake succeeded");
      world.connectError = null;
    },
  },
  {
    pattern: /^certificate (\S+)$/,
    run(world, [name]) {
      const shown = world.client.certificateName;
      if (shown !== name) failCase(`the server showed a certificate for ${shown ?? "nobody"}`);
    },
  },
  {
    pattern: /^(then )?([A-Z]+) (\S+)(?: (HTTP\/\d\.\d))?$/,
    async run(world, [then = "", method = "", target = "", version = ""], below) {
      if (then === "") await world.freshClient();
      if (world.client.http2 !== null) world.sending().request(method, target, below, true);
      else world.send(requestBytes(method, target, version === "" ? "HTTP/1.1" : version, below));
    },
  },
  {
    pattern: /^(then )?send (".*)$/,
    async run(world, [then = "", text = ""]) {
      if (then === "") await world.freshClient();
      world.send(unquote(text));
    },
  },
  {
    pattern: /^receive (".*)$/,
    async run(world, [text = ""]) {
      const wanted = unquote(text);
      const { stream } = world.client;
      await stream.until(() => (stream.buffered.length >= wanted.length || stream.ended ? true : undefined));
      const got = stream.take(wanted.length);
      if (got !== wanted) failCase(`received ${show(got + stream.take(stream.buffered.length))}`);
    },
  },
  {
    pattern: /^receive until (".*)$/,
    async run(world, [text = ""]) {
      const wanted = unquote(text);
      const { stream } = world.client;
      await stream.until(() => (stream.buffered.includes(wanted) || stream.ended ? true : undefined));
      const at = stream.buffered.indexOf(wanted);
      if (at < 0) failCase(`received ${show(stream.take(stream.buffered.length))}`);
      stream.take(at + wanted.length);
    },
  },
  {
    pattern: /^sequence (?:(\S+) )?GET (\S+): (.+)$/,
    async run(world, [where = "", target = "", answers = ""], below) {
      const wanted = answers.split(/\s+/);
      const got: string[] = [];
      while (got.length < wanted.length) {
        await world.connect(targetOf(world, where === "" ? "PORT1" : where), null);
        world.send(requestBytes("GET", target, "HTTP/1.1", below));
        got.push((await world.readResponse()).body.trim());
      }
      if (got.join(" ") !== wanted.join(" ")) failCase(`answered in turn: ${got.join(" ")}`);
    },
  },
  {
    pattern: /^closed(?: not before (\d+)ms)?$/,
    async run(world, [least = ""]) {
      const { stream, http2 } = world.client;
      // A server may wait for its PING to be answered, which is done while frames are read.
      if (http2 === null) await stream.until(() => (stream.ended ? true : undefined));
      else await http2.until(() => false);
      const unread = http2?.unread() ?? "";
      if (unread !== "") failCase(`before the end: ${unread}`);
      if (stream.buffered !== "") failCase(`bytes before the end: ${show(stream.buffered)}`);
      if (!stream.ended) failCase("the connection stayed open");
      const afterMs = performance.now() - world.sentAt;
      if (least !== "" && afterMs < Number(least)) failCase(`closed after ${Math.round(afterMs)}ms`);
    },
  },
  {
    pattern: /^kept$/,
    async run(world) {
      const path = "/kept-alive-probe";
      if (world.client.http2 === null) {
        world.send(requestBytes("GET", path, "HTTP/1.1", ["Connection: close"]));
        await world.readResponse();
      } else {
        await world.readResponse(world.sending().request("GET", path, [], true));
      }
    },
  },
  {
    pattern: /^end$/,
    run(world) {
      world.client.stream.end();
    },
  },
  {
    pattern: /^abort$/,
    run(world) {
      world.client.stream.reset();
    },
  },
  {
    pattern: /^wait (\d+)ms$/,
    async run(_world, [ms]) {
      await new Promise((resolve) => setTimeout(resolve, Number(ms)));
    },
  },
];

/** `PORT2`, `127.0.0.2:PORT1`, `[::1]:PORT1` or `unix:name.sock`. */
function targetOf(world: World, where: string): Target {
  if (where.startsWith("unix:")) return { path: join(world.directory, where.slice(5)) };
  const [, host = "127.0.0.1", port = ""] = /^(?:\[?([0-9a-f.:]+?)\]?:)?(PORT\d)$/.exec(where) ?? [];
  return { host, port: Number(world.placeholders.get(port)) };
}

/**
 * A request from its line and the indented lines: fields as they stand, `! Host` to leave out the default
 * Host, `> "…"` for body bytes (with a Content-Length, unless the fields speak of the length themselves).
 */
function requestBytes(method: string, target: string, version: string, below: readonly string[]): string {
  const fields = below.filter((line) => !line.startsWith("> ") && !line.startsWith("! ") && line !== "");
  const body = below
    .filter((line) => line.startsWith("> "))
    .map((line) => unquote(line.slice(2)))
    .join("");
  const names = fields.map((line) => line.slice(0, line.indexOf(":")).toLowerCase());
  const framed = names.includes("content-length") || names.includes("transfer-encoding");
  const head = [`${method} ${target} ${version}`];
  if (!names.includes("host") && !below.includes("! Host")) head.push("Host: localhost");
  head.push(...fields);
  if (body !== "" && !framed) head.push(`Content-Length: ${body.length}`);
  return `${head.join("\r\n")}\r\n\r\n${body}`;
}
