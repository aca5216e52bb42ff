/**
 * The directives that say what becomes of an answer, under the names of all protocols of upstream servers:
 * `proxy_hide_header`, `fastcgi_buffering`, …
 */
import type { Context, DirectiveSpec } from "../../config/module.ts";
import type { Scope } from "../../config/scope.ts";
import { slots } from "../../config/slots.ts";
import type { Buffers } from "../../config/slots.ts";
import { buildOf } from "../../gateway/build/http-build.ts";
import type { AnswerSettings } from "./pass-answer.ts";
import type { LevelOf } from "./pass-directives.ts";

/** The sizes of `*_buffers` and `*_busy_buffers_size`, which mean nothing here but are checked. */
export interface BufferSettings {
  buffers: Buffers;
  /** Bytes; -1: twice the larger of one buffer and the head's. */
  busyBuffersSize: number;
}

const everywhere: readonly Context[] = ["http", "server", "location"];
const registry = (scope: Scope) => buildOf(scope).variables;

const obeyedFields = [
  "x-accel-redirect",
  "x-accel-expires",
  "x-accel-limit-rate",
  "x-accel-buffering",
  "x-accel-charset",
  "expires",
  "cache-control",
  "set-cookie",
  "vary",
] as const;

/** nginx's defaults, the same for all protocols. */
export function bufferDefaults(): BufferSettings {
  return { buffers: { count: 8, size: 4096 }, busyBuffersSize: -1 };
}

/** Which fields of an answer the client gets, and which are acted on. `prefix`: "proxy_". */
export function answerFieldDirectives(prefix: string, levelOf: LevelOf<AnswerSettings>): DirectiveSpec[] {
  const slot = slots<AnswerSettings>(levelOf);
  return [
    {
      name: `${prefix}hide_header`,
      contexts: everywhere,
      args: "1",
      default: null,
      doc: "Keeps a field of the answer from the client.",
      set: slot.strings("hideHeaders"),
    },
    {
      name: `${prefix}pass_header`,
      contexts: everywhere,
      args: "1",
      default: null,
      doc: "Lets a field through that is hidden by default.",
      set: slot.strings("passHeaders"),
    },
    {
      name: `${prefix}ignore_headers`,
      contexts: everywhere,
      args: "1+",
      default: null,
      doc: "Fields of the answer that are not acted on; only X-Accel-Redirect ever is.",
      set: slot.words("ignoreHeaders", obeyedFields),
    },
  ];
}

/** How an answer's body is passed on: for protocols that nginx can buffer. `prefix`: "proxy_". */
export function bufferingDirectives(
  prefix: string,
  levelOf: LevelOf<AnswerSettings & BufferSettings>,
): DirectiveSpec[] {
  const slot = slots<AnswerSettings & BufferSettings>(levelOf);
  return [
    {
      name: `${prefix}buffering`,
      contexts: everywhere,
      args: "flag",
      default: "on",
      hasNoEffect: true,
      doc: "Accepted; answers are always passed on as they come, as fast as the client takes them.",
      set: slot.flag("buffering"),
    },
    {
      name: `${prefix}limit_rate`,
      contexts: everywhere,
      args: "1",
      default: "0",
      doc: `Bytes per second that are read of an answer at most, with \`${prefix}buffering on\`; 0 for no limit.`,
      set: slot.sizeValue("limitRate", registry),
    },
    {
      name: `${prefix}force_ranges`,
      contexts: everywhere,
      args: "flag",
      default: "off",
      doc: "Whether ranges are cut out of answers, whatever the server says of ranges.",
      set: slot.flag("forceRanges"),
    },
    {
      name: `${prefix}buffers`,
      contexts: everywhere,
      args: "2",
      default: "8 4k|8k",
      doc: "Checked; memory is bounded by the sockets' buffers instead.",
      set: slot.buffers("buffers"),
    },
    {
      name: `${prefix}busy_buffers_size`,
      contexts: everywhere,
      args: "1",
      default: "8k|16k",
      doc: `Checked; see \`${prefix}buffers\`.`,
      set: slot.size("busyBuffersSize"),
    },
  ];
}

/**
 * Once a level is merged. The sizes mean nothing here, but a file that nginx refuses shall not pass.
 *
 * @throws ConfigError
 */
export function checkBuffers(
  { bufferSize, buffers, busyBuffersSize }: BufferSettings & { readonly bufferSize: number },
  scope: Scope,
  prefix: string,
): void {
  if (buffers.count < 2) scope.fail(`there must be at least 2 "${prefix}buffers"`);
  const largest = Math.max(bufferSize, buffers.size);
  const busy = busyBuffersSize < 0 ? 2 * largest : busyBuffersSize;
  if (busy < largest) {
    scope.fail(
      `"${prefix}busy_buffers_size" must be equal to or greater than the maximum of the value of ` +
        `"${prefix}buffer_size" and one of the "${prefix}buffers"`,
    );
  }
  if (busy > (buffers.count - 1) * buffers.size) {
    scope.fail(
      `"${prefix}busy_buffers_size" must be less than the size of all "${prefix}buffers" minus one buffer`,
    );
  }
}
