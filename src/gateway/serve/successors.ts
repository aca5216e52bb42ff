import type { ListenSocket } from "./listen-socket.ts";
import type { Location } from "./location.ts";
import type { ServerName, VirtualServer } from "./virtual-server.ts";

/** Something that a location of an earlier configuration serves, and how it came there. */
export interface Served {
  readonly location: Location;
  readonly listenSocket: ListenSocket;
  /** The names of the server. */
  readonly serverNames: readonly ServerName[];
}

/**
 * Finds, behind the same listening socket, the location that has the place of an earlier one: in the server of the same
 * names, below the same locations, with the same name. Null where there is none. For one reload: it remembers.
 */
export class Successors {
  private readonly known = new Map<ListenSocket, Map<Location, Location | null>>();

  /** The location that serves it from now on. */
  of({ location, listenSocket, serverNames }: Served): Location | null {
    const behind = this.known.get(listenSocket) ?? new Map<Location, Location | null>();
    this.known.set(listenSocket, behind);
    let found = behind.get(location);
    if (found === undefined) {
      const server = serverOf(listenSocket, namesKey(serverNames));
      found = server === null ? null : placeOf(location, server);
      behind.set(location, found);
    }
    return found;
  }
}

function serverOf(listenSocket: ListenSocket, key: string): VirtualServer | null {
  for (const { choice } of listenSocket.all) {
    const server = choice.servers.find(({ names }) => namesKey(names) === key);
    if (server !== undefined) return server;
  }
  return null;
}

/** Goes the way from outside to `location` in another server. */
function placeOf(location: Location, server: VirtualServer): Location | null {
  const { outer } = location;
  if (outer === null) return server.root;
  const there = placeOf(outer, server);
  if (there === null) return null;
  // Several "if" blocks have no names: those are told apart by their order.
  const place = alike(outer, location).indexOf(location);
  return place < 0 ? null : (alike(there, location)[place] ?? null);
}

function alike({ inner }: Location, { kind, name }: Location): readonly Location[] {
  return inner.filter((one) => one.kind === kind && one.name === name);
}

function namesKey(names: readonly ServerName[]): string {
  return names.map(({ kind, text }) => `${kind} ${text}`).join("\n");
}
