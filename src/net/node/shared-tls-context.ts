import { createHash } from "node:crypto";
import type { TlsContextOptions } from "../network.ts";
import { NodeTlsContext } from "./tls-context.ts";

/** Contexts that are in use, by what they were made of. */
const contexts = new Map<string, WeakRef<NodeTlsContext>>();

const collected = new FinalizationRegistry<string>((key) => {
  // Another one may have taken its place.
  if (contexts.get(key)?.deref() === undefined) contexts.delete(key);
});

/**
 * The context that was made of the same before, as long as somebody uses it, or a new one. A reload mostly
 * wants what is there, and the tunnels of each configuration before keep its contexts.
 *
 * @throws Error with the TLS library's words
 */
export function sharedTlsContext(options: TlsContextOptions): NodeTlsContext {
  const key = digestOf(options);
  const known = contexts.get(key)?.deref();
  if (known !== undefined) return known;
  const context = new NodeTlsContext(options);
  contexts.set(key, new WeakRef(context));
  collected.register(context, key);
  return context;
}

function digestOf({
  certificates,
  dhparam,
  ca,
  namedAuthorities,
  crl,
  ticketKeys,
  ...rules
}: TlsContextOptions): string {
  const hash = createHash("sha256");
  const add = (part: Buffer | string | null): void => {
    hash.update(part === null ? "-" : `${part.length}:`);
    if (part !== null) hash.update(part);
  };
  add(JSON.stringify(rules));
  for (const part of [dhparam, ca, namedAuthorities, crl, ticketKeys]) add(part);
  for (const { chain, key, passphrase } of certificates) {
    add(chain);
    add(key);
    add(passphrase ?? null);
  }
  return hash.digest("base64");
}
