/**
 * The messages of grpc.health.v1, the two that a check needs.
 * https://github.com/grpc/grpc/blob/master/doc/health-checking.md
 */

/** Before each message: a byte that says whether it is compressed, and its length in four. */
const prefixBytes = 5;
/** Field 1 of HealthCheckRequest, of type string, and of HealthCheckResponse, of type enum. */
const serviceTag = 0x0a;
const statusTag = 0x08;
const serving = 1;
/** What one byte of a length can say. */
const lengthMax = 0x7f;

/** `HealthCheckRequest`, with its prefix. `service`: one character per byte, no more than 127; "" leaves it out. */
export function healthRequest(service: string): Buffer {
  const name = Buffer.from(service.slice(0, lengthMax), "latin1");
  const message = name.length === 0 ? name : Buffer.concat([Buffer.from([serviceTag, name.length]), name]);
  const prefix = Buffer.alloc(prefixBytes);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

/** Whether bytes are a `HealthCheckResponse`, with its prefix, that says SERVING. */
export function isServing(bytes: Buffer): boolean {
  if (bytes.length !== prefixBytes + 2 || bytes[0] !== 0 || bytes.readUInt32BE(1) !== 2) return false;
  return bytes[prefixBytes] === statusTag && bytes[prefixBytes + 1] === serving;
}
