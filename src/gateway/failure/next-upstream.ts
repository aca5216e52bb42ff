/** The words of `proxy_next_upstream` as bits; nginx's NGX_HTTP_UPSTREAM_FT_*. */
export const NextUpstream = {
  error: 1 << 1,
  timeout: 1 << 2,
  invalidHeader: 1 << 3,
  http500: 1 << 4,
  http502: 1 << 5,
  http503: 1 << 6,
  http504: 1 << 7,
  http403: 1 << 8,
  http404: 1 << 9,
  http429: 1 << 10,
  nonIdempotent: 1 << 14,
  off: 1 << 31,
} as const;

/** Directive word to bit, in nginx's order. */
export const nextUpstreamWords: Readonly<Record<string, number>> = {
  error: NextUpstream.error,
  timeout: NextUpstream.timeout,
  invalid_header: NextUpstream.invalidHeader,
  non_idempotent: NextUpstream.nonIdempotent,
  http_500: NextUpstream.http500,
  http_502: NextUpstream.http502,
  http_503: NextUpstream.http503,
  http_504: NextUpstream.http504,
  http_403: NextUpstream.http403,
  http_404: NextUpstream.http404,
  http_429: NextUpstream.http429,
  updating: 0,
  off: NextUpstream.off,
};

/** The words that FastCGI, SCGI and uwsgi know: no other server stands behind an application, missing or late. */
export const applicationWords: Readonly<Record<string, number>> = Object.fromEntries(
  Object.entries(nextUpstreamWords).filter(([word]) => word !== "http_502" && word !== "http_504"),
);

const conditions: Readonly<Record<number, number>> = {
  500: NextUpstream.http500,
  502: NextUpstream.http502,
  503: NextUpstream.http503,
  504: NextUpstream.http504,
  403: NextUpstream.http403,
  404: NextUpstream.http404,
  429: NextUpstream.http429,
};

/** The bit for an answer's status; 0 for a status that never sends a request on. */
export function conditionOfStatus(status: number): number {
  return conditions[status] ?? 0;
}
