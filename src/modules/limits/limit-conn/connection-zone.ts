import type { ErrorLog } from "../../../gateway/log/error-log.ts";
import type { Value } from "../../../gateway/serve/settings.ts";
import type { ZoneUse } from "../../../gateway/zones/zones.ts";
import { holdToKey } from "../zone-key.ts";
import { ConnectionCounts } from "./connection-counts.ts";

/** What `limit_conn_zone` says of a zone. */
export interface ConnectionZone {
  readonly key: Value;
  /** For what concerns no single request. */
  readonly log: ErrorLog;
  /** Number of this thread. */
  readonly worker: number;
  /** Set when the configuration was read. */
  counts: ConnectionCounts | null;
}

/**
 * Opens a zone's counts, and frees what a thread that has ended held.
 * @throws ConfigError when the zone goes on with another key than before
 */
export const connectionZoneUse: ZoneUse<ConnectionZone> = {
  name: "limit_conn",
  open(zone) {
    const data = zone.data!;
    const { key, worker } = data;
    data.counts = ConnectionCounts.of(zone, worker);
    holdToKey(data.counts.memory, key, `limit_conn_zone "${zone.name}"`);
  },
  release(zone, worker) {
    zone.data!.counts!.freeAll(worker);
  },
};
