/** Makes upstreams of drafts: the peers of their servers, and the group that a balancer chooses from. */
import type { ParsedUrl } from "../../config/url.ts";
import type { Endpoint } from "../../net/network.ts";
import { PeerGroup } from "../balance/peer-group.ts";
import type { PeerRowPlan } from "../balance/peer-group.ts";
import { defaultRoute, peerName } from "../balance/peer.ts";
import type { PeerOptions } from "../balance/peer.ts";
import { PeerTable } from "../balance/peer-table.ts";
import type { UpstreamBuild, UpstreamDraft, UpstreamServerDraft } from "./draft.ts";
import type { KeepalivePool } from "./keepalive-pool.ts";
import { Upstream } from "./upstream.ts";

/** Adds the peers of one address; those of a host name follow when it has been resolved. */
export function addServer(
  build: UpstreamBuild,
  draft: UpstreamDraft,
  url: ParsedUrl,
  place: { readonly file: string; readonly line: number },
  options: UpstreamServerDraft["options"],
): void {
  const { file, line } = place;
  const server: UpstreamServerDraft = {
    address: url.hostAndPort,
    options,
    file,
    line,
    peers: [],
    runTimeName: null,
  };
  draft.servers.push(server);
  const add = (endpoint: Endpoint): void => {
    const name = peerName(endpoint);
    const route = options.route ?? defaultRoute(name);
    server.peers.push({ ...options, route, name, server: url.hostAndPort, endpoint });
  };
  if (url.kind === "unix") add({ kind: "unix", path: url.host });
  else if (url.kind === "ip") add({ kind: "tcp", address: url.host, port: url.port });
  else {
    build.names.push({
      host: url.host,
      place,
      complaint: `host not found in upstream "${url.hostAndPort}"`,
      skip: () =>
        !draft.explicit && !url.portWritten && build.upstreams.get(url.host.toLowerCase())?.explicit === true,
      resolved: (addresses) => {
        for (const address of addresses) add({ kind: "tcp", address, port: url.port });
      },
    });
  }
}

/** The peers of an upstream whose names are resolved. `spareRows`: so many may come while requests run. */
export function makePeerGroup(build: UpstreamBuild, draft: UpstreamDraft, spareRows: number): PeerGroup {
  const lines = draft.servers.map(({ peers }) => peers);
  const group = new PeerGroup(lines, rowPlan(build, draft, lines, spareRows), draft.makeBalancer);
  draft.group = group;
  return group;
}

/** The upstream itself. `pool` is null where connections are not kept. */
export function makeUpstream(
  build: UpstreamBuild,
  draft: UpstreamDraft,
  group: PeerGroup,
  pool: KeepalivePool | null,
): Upstream {
  build.background.set(`peers ${draft.explicit ? "" : "address "}${draft.name}`, {
    start: () => group.keepChecks(draft.healthChecks),
    stop: () => group.close(),
  });
  return new Upstream(draft.name, group, draft.key, pool, draft.sticky);
}

function rowPlan(
  build: UpstreamBuild,
  draft: UpstreamDraft,
  lines: readonly (readonly PeerOptions[])[],
  spareRows: number,
): PeerRowPlan {
  const options = lines.flat();
  const { peerRows } = build;
  if (peerRows === null) {
    const spare = Array.from({ length: spareRows }, (_, index) => options.length + index);
    const table = new PeerTable(options.length + spareRows);
    return { table, rows: rowsByLine(lines, [...options.keys()]), spare };
  }
  const name = draft.explicit ? draft.name : `address ${draft.name}`;
  const rows = rowsByLine(lines, peerRows.rowsOf(name, options));
  const seats = Array.from({ length: spareRows }, (_, index) => ({ name: `spare ${index}`, backup: false }));
  return { table: peerRows.table, rows, spare: peerRows.rowsOf(name, seats) };
}

function rowsByLine(lines: readonly (readonly PeerOptions[])[], rows: readonly number[]): number[][] {
  let at = 0;
  return lines.map((line) => line.map(() => rows[at++]!));
}
