import { parseBehaviour } from "./backend-script.ts";
import type { Message } from "./message.ts";
import { checkFields } from "./response-steps.ts";
import type { StepRule } from "./step.ts";
import { diffLines, show, unquote } from "./text.ts";
import { failCase, poll, type World } from "./world.ts";

/** Lines that tell a backend what to do, or look at what it got. */
export const BACKEND_STEPS: readonly StepRule[] = [
  {
    pattern: /^(B\d+) ((?:early )?(?:answers:|does:|echo|name|close|reset|silent|upgrade|hold))$/,
    run(world, [name = "", text = ""], below) {
      const behaviour = parseBehaviour({ text, below });
      if (behaviour === null) failCase(`bad behaviour for ${name}`);
      world.backend(name).script(behaviour);
    },
  },
  {
    pattern: /^(B\d+) saw nothing( more)?$/,
    run(world, [name = ""]) {
      const request = world.backend(name).unseen[0];
      if (request !== undefined) failCase(`${name} saw:\n${request.lines.join("\n")}`);
    },
  },
  {
    pattern: /^(B\d+) saw:$/,
    async run(world, [name = ""], below) {
      const request = await nextRequest(world, name);
      const empty = below.indexOf("");
      const diff = diffLines(empty < 0 ? below : below.slice(0, empty), request.lines);
      if (diff !== null) failCase(`${name} saw otherwise:\n${diff}`);
      checkBody(name, request, empty < 0 ? [] : below.slice(empty + 1));
    },
  },
  {
    pattern: /^(B\d+) saw body (".*)$/,
    run(world, [name = "", text = ""]) {
      const body = world.seen?.body;
      if (body !== unquote(text))
        failCase(`${name} saw the body ${body === undefined ? "of nothing" : show(body)}`);
    },
  },
  {
    pattern: /^(B\d+) saw (\S+ \S+ HTTP\/1\.[01]|FastCGI(?: keep)?|SCGI|uwsgi \d+ \d+)$/,
    async run(world, [name = "", requestLine = ""], below) {
      const request = await nextRequest(world, name);
      if (request.startLine !== requestLine) failCase(`${name} saw ${show(request.startLine)}`);
      checkFields(request, below);
    },
  },
  {
    pattern: /^(B\d+) received (".*)$/,
    async run(world, [name = "", text = ""]) {
      const backend = world.backend(name);
      const wanted = unquote(text);
      await poll(() => (backend.streamed.length >= wanted.length ? true : undefined));
      if (backend.streamed !== wanted) failCase(`${name} received ${show(backend.streamed)}`);
      backend.streamed = "";
    },
  },
  {
    pattern: /^(B\d+) sends (".*)$/,
    run(world, [name = "", text = ""]) {
      world.backend(name).latest?.send(unquote(text));
    },
  },
  {
    pattern: /^(B\d+) (ends|resets)$/,
    run(world, [name = "", how]) {
      const stream = world.backend(name).latest;
      if (how === "ends") stream?.end();
      else stream?.reset();
    },
  },
  {
    pattern: /^(B\d+) was connected (\d+) times?$/,
    run(world, [name = "", times]) {
      const { accepted } = world.backend(name);
      if (accepted !== Number(times)) failCase(`${name} was connected ${accepted} times`);
    },
  },
  {
    pattern: /^(B\d+) was closed$/,
    async run(world, [name = ""]) {
      const stream = world.backend(name).latest ?? failCase(`${name} was never connected`);
      const ended = await stream.until(() => (stream.ended ? true : undefined));
      if (ended === null) failCase(`the connection to ${name} stayed open`);
    },
  },
];

async function nextRequest(world: World, name: string): Promise<Message> {
  const backend = world.backend(name);
  const request = (await poll(() => backend.unseen.shift())) ?? failCase(`${name} saw nothing`);
  world.seen = request;
  return request;
}

function checkBody(name: string, request: Message, lines: readonly string[]): void {
  const [first = ""] = lines;
  const wanted = lines.length === 1 && first.startsWith('"') ? unquote(first) : lines.join("\n");
  if (request.body !== wanted) failCase(`${name} saw the body ${show(request.body)}`);
}
