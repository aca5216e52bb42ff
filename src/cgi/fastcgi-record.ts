/** The records of FastCGI 1.0, as far as a web server and a responder exchange them. */

/** Types of records (FastCGI specification, section 8). */
export const RecordType = {
  beginRequest: 1,
  endRequest: 3,
  params: 4,
  stdin: 5,
  stdout: 6,
  stderr: 7,
} as const;

/** Bytes of a record's header. */
export const recordHeadBytes = 8;

/** The one version there is. */
export const recordVersion = 1;

/** Requests are not multiplexed: each has the same number, as with nginx. */
export const requestId = 1;

/** Bytes that a record's content may have. */
export const recordContentMax = 65_535;

/** Bytes of padding behind a content: records begin at multiples of eight, which the specification recommends. */
export function paddingOf(contentBytes: number): number {
  return -contentBytes & 7;
}

/** Writes a record's header at `at`; returns where its content begins. */
export function writeRecordHead(target: Buffer, at: number, type: number, contentBytes: number): number {
  target[at] = recordVersion;
  target[at + 1] = type;
  target[at + 2] = requestId >> 8;
  target[at + 3] = requestId & 255;
  target[at + 4] = contentBytes >> 8;
  target[at + 5] = contentBytes & 255;
  target[at + 6] = paddingOf(contentBytes);
  target[at + 7] = 0;
  return at + recordHeadBytes;
}
