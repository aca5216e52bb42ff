import { failAt } from "../../gateway/build/http-build.ts";
import type { ServerDraft } from "../../gateway/build/drafts.ts";
import type { HttpBuild } from "../../gateway/build/http-build.ts";
import { endpointKey } from "../../gateway/serve/listen-socket.ts";

/** A `listen` address with the servers behind it. */
export interface Address {
  ssl: boolean;
  defaultServer: ServerDraft;
  readonly servers: ServerDraft[];
}

/** What a server has for handshakes. */
export interface Readiness {
  readonly hasCertificates: boolean;
  readonly rejects: boolean;
}

/**
 * An address with `ssl` needs certificates in its default server, or, when that one refuses handshakes,
 * in all others.
 *
 * @throws ConfigError
 */
export function checkListens(
  addresses: readonly Address[],
  readinessOf: (server: ServerDraft) => Readiness,
): void {
  for (const { ssl, defaultServer, servers } of addresses) {
    if (!ssl || readinessOf(defaultServer).hasCertificates) continue;
    const others = readinessOf(defaultServer).rejects ? servers : [defaultServer];
    for (const server of others) {
      const { hasCertificates, rejects } = readinessOf(server);
      if (hasCertificates || (rejects && readinessOf(defaultServer).rejects)) continue;
      failAt(server.root, 'no "ssl_certificate" is defined for the "listen ... ssl" directive');
    }
  }
}

/** All addresses that servers listen on, by endpoint; `ssl` where one of their `listen`s says so. */
export function addressesOf(build: HttpBuild): readonly Address[] {
  const addresses = new Map<string, Address>();
  for (const server of build.servers) {
    for (const listen of server.listens) {
      const key = endpointKey(listen.endpoint);
      const known = addresses.get(key) ?? { ssl: false, defaultServer: server, servers: [] };
      addresses.set(key, known);
      known.servers.push(server);
      known.ssl ||= listen.settings.ssl;
      if (listen.isDefault) known.defaultServer = server;
    }
  }
  return [...addresses.values()];
}
