import { ConfigError } from "../../../config/errors.ts";
import type { Value } from "../../../gateway/serve/settings.ts";
import type { ZoneUse } from "../../../gateway/zones/zones.ts";
import { MessageRates } from "./message-rates.ts";
import type { ZoneRate } from "./message-rates.ts";

/** What `websocket_limit_zone` says of a zone. */
export interface MessageZone {
  readonly key: Value;
  readonly rate: ZoneRate;
  /** Number of this thread. */
  readonly worker: number;
  /** Set when the configuration was read. */
  rates: MessageRates | null;
}

/**
 * Opens a zone's accounts, and its lock where a thread has ended with it.
 * @throws ConfigError when the zone goes on with another key than before
 */
export const messageZoneUse: ZoneUse<MessageZone> = {
  name: "websocket_limit",
  open(zone) {
    const data = zone.data!;
    const { key, rate, worker } = data;
    data.rates = new MessageRates(zone, rate, worker);
    const { memory } = data.rates;
    if (memory.note === "") memory.note = key.text;
    else if (!memory.hasNote(key.text)) {
      const keys = `uses the "${key.text}" key while previously it used the "${memory.note}" key`;
      throw new ConfigError(`websocket_limit "${zone.name}" ${keys}`, "", 0);
    }
  },
  release(zone, worker) {
    zone.data!.rates!.memory.unlockFor(worker);
  },
};
