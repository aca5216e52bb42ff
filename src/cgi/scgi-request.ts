import type { Param } from "./param.ts";

/**
 * What begins a request of SCGI: a netstring of the parameters, of which the body's length is the first.
 * https://python.ca/scgi/protocol.txt
 */
export function scgiHead(params: readonly Param[], bodyBytes: number): Buffer {
  let text = `CONTENT_LENGTH\0${bodyBytes}\0`;
  for (const [name, value] of params) text += `${name}\0${value}\0`;
  return Buffer.from(`${text.length}:${text},`, "latin1");
}
