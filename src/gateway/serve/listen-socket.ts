import type { Endpoint } from "../../net/network.ts";
import type { SocketAddress } from "../../net/connection.ts";
import type { ServerChoice } from "./virtual-server.ts";

/** The options of `listen` that belong to the socket. */
export interface ListenSettings {
  readonly ssl: boolean;
  /** The old `listen … http2`: for all servers of the address. */
  readonly http2: boolean;
  readonly backlog: number | null;
  readonly ipv6Only: boolean;
  readonly reusePort: boolean;
  readonly proxyProtocol: boolean;
  readonly keepAlive: { readonly enabled: boolean; readonly idleSeconds: number | null } | null;
}

/** The servers behind one `listen` address. */
export interface AddressServers {
  readonly endpoint: Endpoint;
  readonly settings: ListenSettings;
  readonly choice: ServerChoice;
}

/**
 * A bound socket and the addresses that it answers for: a socket on the wildcard address also takes
 * connections for the specific addresses of its port, as nginx binds them.
 */
export class ListenSocket {
  readonly endpoint: Endpoint;
  /** A reload has removed it: it accepts nothing more, and what it has accepted ends in good order. */
  retired = false;
  private addresses: readonly AddressServers[];

  constructor(endpoint: Endpoint, addresses: readonly AddressServers[]) {
    this.endpoint = endpoint;
    this.addresses = addresses;
  }

  /** The servers of the socket's own address. */
  get main(): AddressServers {
    return this.addresses.find((entry) => sameEndpoint(entry.endpoint, this.endpoint))!;
  }

  /** The servers of every address that it answers for. */
  get all(): readonly AddressServers[] {
    return this.addresses;
  }

  get settings(): ListenSettings {
    return this.main.settings;
  }

  /** A new configuration takes over for the requests that begin from now on. */
  replace(addresses: readonly AddressServers[]): void {
    this.addresses = addresses;
  }

  /** The servers for a connection to `local`: those of that very address, else those of the socket's own. */
  serversFor(local: SocketAddress): AddressServers {
    if (this.addresses.length === 1) return this.addresses[0]!;
    const exact = this.addresses.find(
      ({ endpoint }) => endpoint.kind === "tcp" && endpoint.address === local.address,
    );
    return exact ?? this.main;
  }
}

function sameEndpoint(a: Endpoint, b: Endpoint): boolean {
  return endpointKey(a) === endpointKey(b);
}

/** "127.0.0.1:80", "[::1]:80", "unix:/path": the identity of an endpoint, and its name in messages. */
export function endpointKey(endpoint: Endpoint): string {
  if (endpoint.kind === "unix") return `unix:${endpoint.path}`;
  return endpoint.address.includes(":")
    ? `[${endpoint.address}]:${endpoint.port}`
    : `${endpoint.address}:${endpoint.port}`;
}
