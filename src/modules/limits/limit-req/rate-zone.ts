import type { ErrorLog } from "../../../gateway/log/error-log.ts";
import type { Value } from "../../../gateway/serve/settings.ts";
import type { ZoneUse } from "../../../gateway/zones/zones.ts";
import { holdToKey } from "../zone-key.ts";
import { RequestRates } from "./request-rates.ts";

/** What `limit_req_zone` says of a zone. */
export interface RateZone {
  readonly key: Value;
  /** Thousandths of a request per second. */
  readonly rate: number;
  /** For what concerns no single request. */
  readonly log: ErrorLog;
  /** Number of this thread. */
  readonly worker: number;
  /** Set when the configuration was read. */
  rates: RequestRates | null;
}

/**
 * Opens a zone's rates, and its lock where a thread has ended with it.
 * @throws ConfigError when the zone goes on with another key than before
 */
export const rateZoneUse: ZoneUse<RateZone> = {
  name: "limit_req",
  open(zone) {
    const data = zone.data!;
    const { key, rate, worker } = data;
    data.rates = new RequestRates(zone, rate, worker);
    holdToKey(data.rates.memory, key, `limit_req "${zone.name}"`);
  },
  release(zone, worker) {
    zone.data!.rates!.memory.unlockFor(worker);
  },
};
