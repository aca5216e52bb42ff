import { fieldLines } from "./http2-client.ts";
import { errorCode, errorName, frame, frameType, settingsPayload, uint32 } from "./http2-frames.ts";
import type { StepRule } from "./step.ts";
import { diffLines, show, unquote } from "./text.ts";
import { failCase } from "./world.ts";

/** Lines of clients that speak HTTP/2. Streams are named by their number: the first request is on 1, the next on 3. */
export const HTTP2_STEPS: readonly StepRule[] = [
  {
    pattern: /^chose (\S+)$/,
    run(world, [name]) {
      const { protocol } = world.client;
      if ((protocol ?? "nothing") !== name) failCase(`ALPN chose ${protocol ?? "nothing"}`);
    },
  },
  {
    pattern: /^(then )?open ([A-Z]+) (\S+)$/,
    async run(world, [then = "", method = "", target = ""], below) {
      if (then === "") await world.freshClient();
      world.sending().request(method, target, below, false);
    },
  },
  {
    pattern: /^(?:headers|trailers) (\d+)( end)?$/,
    async run(world, [id, end = ""], below) {
      await world.ensureClient();
      world.sending().headers(Number(id), fieldLines(below), end !== "");
    },
  },
  {
    pattern: /^data (\d+)(?: (".*"(?:\*\d+)?))?( end)?$/,
    run(world, [id, text = "", end = ""]) {
      world.sending().data(Number(id), text === "" ? "" : unquote(text), end !== "");
    },
  },
  {
    pattern: /^frame (\S+) (\d+)(?: flags (\S+))?(?: (".*"(?:\*\d+)?))?(?: times (\d+))?$/,
    async run(world, [type = "", id = "", flags = "", text = "", times = ""]) {
      await world.ensureClient();
      if (type === "HEADERS") world.http2.note(Number(id));
      const payload = text === "" ? "" : unquote(text);
      const one = frame(frameType(type), flags === "" ? 0 : Number(flags), Number(id), payload);
      world.sending();
      world.send(one.repeat(times === "" ? 1 : Number(times)));
    },
  },
  {
    pattern: /^settings (\S+=.*)$/,
    async run(world, [words = ""]) {
      await world.ensureClient();
      world.send(frame(frameType("SETTINGS"), 0, 0, settingsPayload(words.split(" "))));
    },
  },
  {
    pattern: /^settings acknowledged(?: (\d+) times)?$/,
    async run(world, [times = "1"]) {
      const { http2 } = world;
      const wanted = times === "" ? 1 : Number(times);
      await http2.until(() => http2.settingsAcknowledged >= wanted);
      if (http2.settingsAcknowledged !== wanted) failCase(`acknowledged ${http2.settingsAcknowledged} times`);
    },
  },
  {
    pattern: /^rst (\d+) (\S+)$/,
    run(world, [id, code = ""]) {
      world.send(frame(frameType("RST_STREAM"), 0, Number(id), uint32(errorCode(code))));
    },
  },
  {
    pattern: /^window (\d+) (\d+)$/,
    run(world, [id, increment]) {
      world.send(frame(frameType("WINDOW_UPDATE"), 0, Number(id), uint32(Number(increment))));
    },
  },
  {
    pattern: /^ping (".*")$/,
    async run(world, [text = ""]) {
      await world.ensureClient();
      const payload = unquote(text);
      world.send(frame(frameType("PING"), 0, 0, payload));
      const { http2 } = world;
      await http2.until(() => http2.pongs.length > 0);
      const pong = http2.pongs.shift();
      if (pong !== payload) failCase(`PING was answered with ${pong === undefined ? "nothing" : show(pong)}`);
    },
  },
  {
    pattern: /^announced:$/,
    async run(world, _args, below) {
      const { http2 } = world;
      await http2.until(() => http2.settings !== null);
      const announced = [...(http2.settings ?? [])].map(([name, value]) => `${name}=${value}`);
      for (const line of below) {
        const absent =
          line.startsWith("! ") && !announced.some((word) => word.startsWith(`${line.slice(2)}=`));
        if (!absent && !announced.includes(line)) failCase(`announced ${announced.join(" ")}`);
      }
    },
  },
  {
    pattern: /^reset(?: (\d+))? ([A-Z_0-9]+)$/,
    async run(world, [onStream = "", code]) {
      const { http2 } = world;
      const streamId = onStream === "" ? http2.oldest : Number(onStream);
      const incoming = http2.incoming(streamId);
      await http2.until(() => incoming.reset !== null);
      const [head] = incoming.heads;
      if (incoming.reset === null) {
        const answer = head === undefined ? "" : `; it was answered ${head[0]?.[1]}`;
        failCase(`stream ${streamId} was not reset${answer}; ${http2.unread()}`);
      }
      if (errorName(incoming.reset) !== code) failCase(`reset with ${errorName(incoming.reset)}`);
      world.cutShort = false;
      http2.taken(streamId);
    },
  },
  {
    // RFC 9113, section 8.1.1: a malformed request is answered, or its stream reset.
    pattern: /^refused$/,
    async run(world) {
      const { http2 } = world;
      const streamId = http2.oldest;
      const incoming = http2.incoming(streamId);
      await http2.until(() => incoming.heads.length > 0 || incoming.reset !== null);
      if (incoming.heads.length === 0 && incoming.reset !== null) {
        if (errorName(incoming.reset) !== "PROTOCOL_ERROR")
          failCase(`reset with ${errorName(incoming.reset)}`);
        http2.taken(streamId);
        return;
      }
      const { startLine } = await world.readResponse(streamId);
      if (startLine !== "HTTP/2 400") failCase(`answered ${startLine}`);
      world.cutShort = false;
    },
  },
  {
    pattern: /^goaway ([A-Z_0-9]+)(?: last (\d+))?$/,
    async run(world, [code, last = ""]) {
      const { http2 } = world;
      await http2.until(() => http2.goaways.length > 0);
      const goaway = http2.goaways.shift() ?? failCase(`no GOAWAY came; ${http2.unread()}`);
      if (errorName(goaway.code) !== code) failCase(`GOAWAY ${errorName(goaway.code)}`);
      if (last !== "" && goaway.lastStreamId !== Number(last)) failCase(`GOAWAY last ${goaway.lastStreamId}`);
    },
  },
  {
    pattern: /^closed somehow$/,
    async run(world) {
      const { http2 } = world;
      await http2.until(() => false);
      http2.forget();
      if (!world.client.stream.ended) failCase("the connection stayed open");
    },
  },
  {
    pattern: /^no goaway$/,
    run(world) {
      world.http2.unread();
      if (world.http2.goaways.length > 0) failCase("a GOAWAY came");
    },
  },
  {
    pattern: /^received (\d+) (".*)$/,
    async run(world, [id, text = ""]) {
      const { http2 } = world;
      const incoming = http2.incoming(Number(id));
      const wanted = unquote(text);
      await http2.until(() => incoming.body.length >= wanted.length);
      if (incoming.body !== wanted) failCase(`received ${show(incoming.body)}`);
    },
  },
  {
    pattern: /^received (\d+) bytes on (\d+)( and no more)?$/,
    async run(world, [count, id, only = ""]) {
      const { http2 } = world;
      const incoming = http2.incoming(Number(id));
      await http2.until(() => incoming.body.length >= Number(count));
      if (only !== "") await http2.until(() => incoming.body.length > Number(count), 150);
      if (incoming.body.length !== Number(count)) failCase(`received ${incoming.body.length} bytes`);
    },
  },
  {
    pattern: /^nothing on (\d+) for (\d+)ms$/,
    async run(world, [id, ms]) {
      const { http2 } = world;
      const incoming = http2.incoming(Number(id));
      const came = await http2.until(() => incoming.heads.length > 0 || incoming.reset !== null, Number(ms));
      if (came) failCase(`on stream ${id} something came`);
    },
  },
  {
    pattern: /^trailers on (\d+):$/,
    run(world, [id], below) {
      const trailers = world.http2.incoming(Number(id)).trailers ?? [];
      const lines = trailers.map(([name, value]) => `${name}: ${value}`);
      const diff = diffLines(below, lines);
      if (diff !== null) failCase(`the trailers differ:\n${diff}`);
    },
  },
];
