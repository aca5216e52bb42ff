import type { Socket } from "node:net";
import type { Endpoint } from "../network.ts";
import type { SocketAddress } from "../connection.ts";

/** The peer of a unix socket that is bound to no path, as clients are. */
export const unnamedUnixAddress: SocketAddress = { family: "unix", address: "", port: 0 };

/** One address per endpoint: thousands of connections lead to the same few. */
const addresses = new WeakMap<Endpoint, SocketAddress>();

/** The address of an endpoint as it was asked for. */
export function addressOfEndpoint(endpoint: Endpoint): SocketAddress {
  let address = addresses.get(endpoint);
  if (address === undefined) {
    address = addressFrom(endpoint);
    addresses.set(endpoint, address);
  }
  return address;
}

function addressFrom(endpoint: Endpoint): SocketAddress {
  if (endpoint.kind === "unix") return { family: "unix", address: endpoint.path, port: 0 };
  return ipAddress(endpoint.address, endpoint.port);
}

/** An IP address and a port of the family that the address's spelling shows. It is not checked. */
export function ipAddress(address: string, port: number): SocketAddress {
  return { family: address.includes(":") ? "ipv6" : "ipv4", address, port };
}

/** Undefined once the runtime has forgotten it (closed early). */
export function remoteOf(socket: Socket): SocketAddress | undefined {
  const address = socket.remoteAddress;
  return address === undefined ? undefined : ipAddress(address, socket.remotePort ?? 0);
}

/** Undefined once the runtime has forgotten it (closed early). */
export function localOf(socket: Socket): SocketAddress | undefined {
  const address = socket.localAddress;
  return address === undefined ? undefined : ipAddress(address, socket.localPort ?? 0);
}

/** True for the addresses that stand for all of a family's. */
export function isAnyAddress(endpoint: Endpoint): boolean {
  return endpoint.kind === "tcp" && /^[0:.]+$/.test(endpoint.address);
}
