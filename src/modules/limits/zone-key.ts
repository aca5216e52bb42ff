import { ConfigError } from "../../config/errors.ts";
import type { Value } from "../../gateway/serve/settings.ts";
import type { ZoneTable } from "../../gateway/zones/zone-table.ts";

/**
 * Holds a zone's memory, which outlives configurations, to the key by which it was filled. `zone` is what the
 * message calls it: the directive and the name.
 * @throws ConfigError when the zone goes on with another key than before
 */
export function holdToKey(memory: ZoneTable, { text }: Value, zone: string): void {
  if (memory.note === "") memory.note = text;
  else if (!memory.hasNote(text)) {
    const keys = `uses the "${text}" key while previously it used the "${memory.note}" key`;
    throw new ConfigError(`${zone} ${keys}`, "", 0);
  }
}
