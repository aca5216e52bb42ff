import { Resolver } from "node:dns/promises";
import type { RecordWithTtl } from "node:dns";
import type { NameAnswer, NameQuery, ServiceRecord } from "../network.ts";

/** A server is asked again after this; nginx waits as long. */
const answerTimeoutMs = 5000;

/** The answer that matters most of those for IPv4 and IPv6 when both are failures. */
const gravest = ["ETIMEOUT", "ESERVFAIL", "EREFUSED", "EFORMERR", "ENOTIMP", "ENOTFOUND"];

/** Asks name servers by DNS. Rejects with `code`. */
export async function queryName(hostname: string, options: NameQuery): Promise<NameAnswer> {
  const resolver = resolverFor(options);
  const [four, six] = await Promise.allSettled([
    options.ipv4 ? resolver.resolve4(hostname, { ttl: true }) : [],
    options.ipv6 ? resolver.resolve6(hostname, { ttl: true }) : [],
  ]);
  const records = [...recordsOf(four), ...recordsOf(six)];
  if (records.length === 0) throw failureOf(hostname, [four, six]);
  return {
    addresses: records.map((record) => record.address),
    ttlSeconds: Math.min(...records.map((record) => record.ttl)),
  };
}

/** Asks for the SRV records of a name. Rejects with `code`. */
export async function queryServices(name: string, options: NameQuery): Promise<readonly ServiceRecord[]> {
  const [result] = await Promise.allSettled([resolverFor(options).resolveSrv(name)]);
  if (result.status === "rejected" || result.value.length === 0) throw failureOf(name, [result]);
  return result.value.map(({ name: target, port, priority, weight }) => ({ target, port, priority, weight }));
}

function resolverFor({ servers, timeoutMs }: NameQuery): Resolver {
  const tries = Math.max(1, Math.ceil(timeoutMs / answerTimeoutMs));
  const resolver = new Resolver({ timeout: Math.min(answerTimeoutMs, timeoutMs), tries });
  resolver.setServers([...servers]);
  return resolver;
}

function recordsOf(result: PromiseSettledResult<RecordWithTtl[]>): RecordWithTtl[] {
  return result.status === "fulfilled" ? result.value : [];
}

function failureOf(hostname: string, results: readonly PromiseSettledResult<unknown>[]): Error {
  const codes = results.map((result) => (result.status === "rejected" ? codeOf(result.reason) : "ENOTFOUND"));
  const code = gravest.find((candidate) => codes.includes(candidate)) ?? "ENOTFOUND";
  return Object.assign(new Error(`query ${code} ${hostname}`), { code });
}

/** No address of that kind is the same as no such name; a server that cannot be reached has not answered. */
function codeOf(error: unknown): string {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  if (code === "ENODATA" || code === "EBADNAME") return "ENOTFOUND";
  return gravest.includes(code) ? code : "ETIMEOUT";
}
