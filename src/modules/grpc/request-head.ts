import type { Request } from "../../gateway/request/request.ts";
import type { Http2Head } from "../../gateway/upstream/http2-try.ts";
import { Fields } from "../../http/fields.ts";
import { safeTarget } from "../../http/field-value.ts";
import type { GrpcSettings } from "./settings.ts";

/** Fields that are never copied from the client's request: they concern its connection, or are made anew. */
const ownFields = [
  "connection",
  "proxy-connection",
  "keep-alive",
  "te",
  "expect",
  "upgrade",
  "host",
  "content-length",
  "transfer-encoding",
];

/** What stands in the pseudo-headers of a call, apart from the client's own. */
export interface CallTarget {
  readonly path: string;
  readonly scheme: "http" | "https";
  /** Host and port, or the upstream's name, as `grpc_pass` has them. */
  readonly authority: string;
}

/** A location's way of making the heads of calls, worked out once. */
export interface CallHeadBuilder {
  (request: Request, target: CallTarget, bodyLength: number | null): Http2Head;
}

/**
 * Compiles `grpc_set_header`. The order is nginx's: the fields that are set, in the order of the configuration; length
 * and TE, unless set; then the client's fields that were not touched. A Host that is set goes as `host`, and there is no
 * `:authority` then.
 */
export function compileCallHead({ setHeaders }: GrpcSettings): CallHeadBuilder {
  const taken = new Set(setHeaders.map(([name]) => name.toLowerCase()));
  const dropped = new Set([...taken, ...ownFields]);
  const ownAuthority = !taken.has("host");
  const ownLength = !taken.has("content-length");
  const ownTe = !taken.has("te");
  return (request, { path, scheme, authority }, bodyLength) => {
    const fields = new Fields();
    for (const [name, value] of setHeaders) {
      const text = value.evaluate(request);
      if (text !== "") fields.add(name.toLowerCase(), text);
    }
    const { contentLength, chunked } = request.head;
    // Of chunks that have all come by now the length is known.
    const length = contentLength ?? (chunked ? bodyLength : null);
    if (ownLength && length !== null) fields.add("content-length", String(length));
    if (ownTe && wantsTrailers(request)) fields.add("te", "trailers");
    const { lowerNames, values } = request.fields;
    for (let index = 0; index < lowerNames.length; index++) {
      const lower = lowerNames[index]!;
      if (!dropped.has(lower)) fields.addLowered(lower, lower, values[index]!);
    }
    const start = {
      method: request.method,
      scheme,
      authority: ownAuthority ? authority : null,
      path: safeTarget(path),
      connectProtocol: null,
    };
    return { start, fields };
  };
}

/** The client takes trailers: servers of gRPC refuse calls that do not say so. */
export function wantsTrailers({ fields }: Request): boolean {
  const te = fields.getJoined("te");
  return (
    te !== null && te.split(",").some((word) => word.split(";", 1)[0]!.trim().toLowerCase() === "trailers")
  );
}
