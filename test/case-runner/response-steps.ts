import { gunzipSync } from "node:zlib";
import { fieldValues, type Message } from "./message.ts";
import type { StepRule } from "./step.ts";
import { diffLines, show, unquote } from "./text.ts";
import { failCase } from "./world.ts";

/** Lines that read a response and look at it. */
export const RESPONSE_STEPS: readonly StepRule[] = [
  {
    pattern: /^(\d{3})(?: on (\d+))?$/,
    async run(world, [status, onStream = ""], below) {
      const response = await world.readResponse(onStream === "" ? null : Number(onStream));
      const got = response.startLine.split(" ")[1];
      if (got !== status) failCase(`answered ${response.startLine}\n${show(response.body)}`);
      checkFields(response, below);
    },
  },
  {
    pattern: /^head:$/,
    run(world, _args, below) {
      const diff = diffLines(below, world.response.lines);
      if (diff !== null) failCase(`the head differs:\n${diff}`);
    },
  },
  {
    pattern: /^body(?: (crlf))?:$/,
    run(world, [crlf], below) {
      const lineEnd = crlf === "crlf" ? "\r\n" : "\n";
      const { body } = world.response;
      const diff = diffLines([...below, ""], body.split(lineEnd));
      if (diff !== null) failCase(`the body differs:\n${diff}`);
    },
  },
  {
    pattern: /^body = (".*)$/,
    run(world, [text = ""]) {
      const { body } = world.response;
      if (body !== unquote(text)) failCase(`the body is ${show(body)}`);
    },
  },
  {
    pattern: /^body is empty$/,
    run(world) {
      const { body } = world.response;
      if (body !== "") failCase(`the body is ${show(body)}`);
    },
  },
  {
    pattern: /^body ~ (.+)$/,
    run(world, [pattern = ""]) {
      const { body } = world.response;
      if (!new RegExp(pattern).test(body)) failCase(`the body is ${show(body)}`);
    },
  },
  {
    pattern: /^body !~ (.+)$/,
    run(world, [pattern = ""]) {
      const { body } = world.response;
      if (new RegExp(pattern).test(body)) failCase(`the body is ${show(body)}`);
    },
  },
  {
    pattern: /^body has (\d+) bytes$/,
    run(world, [count]) {
      const { length } = world.response.body;
      if (length !== Number(count)) failCase(`the body has ${length} bytes`);
    },
  },
  {
    pattern: /^unzipped body = (".*)$/,
    run(world, [text = ""]) {
      const body = gunzipSync(Buffer.from(world.response.body, "latin1")).toString("latin1");
      if (body !== unquote(text)) failCase(`the unzipped body is ${show(body)}`);
    },
  },
  {
    pattern: /^cut short$/,
    run(world) {
      if (!world.cutShort) failCase("the response was whole");
      world.cutShort = false;
    },
  },
];

/** `Name: value` (every value of that name, in order), `! Name` (absent), `~ Name: pattern`. */
export function checkFields(message: Message, below: readonly string[]): void {
  const report = (name: string): never => {
    const values = fieldValues(message, name);
    return failCase(
      `${name} is ${values.length === 0 ? "absent" : values.map(show).join(", ")}\n${message.lines.join("\n")}`,
    );
  };
  const wanted = new Map<string, string[]>();
  for (const line of below) {
    const [, mark = "", name = "", value = ""] = /^([!~] )?([^:]+):? ?(.*)$/.exec(line) ?? [];
    const values = fieldValues(message, name);
    if (mark === "! " && values.length > 0) report(name);
    if (mark === "~ " && !values.some((candidate) => new RegExp(value).test(candidate))) report(name);
    if (mark === "") wanted.set(name, [...(wanted.get(name) ?? []), value]);
  }
  for (const [name, values] of wanted) {
    if (fieldValues(message, name).join("\n") !== values.join("\n")) report(name);
  }
}
