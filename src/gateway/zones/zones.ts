import { inTurns } from "../../net/pace.ts";
import type { Pace } from "../../net/pace.ts";
import { ConfigError } from "../../config/errors.ts";
import type { Scope } from "../../config/scope.ts";
import { parseSize } from "../../config/values.ts";
import type { SharedMemory } from "./shared-memory.ts";

/** The smallest zone, as in nginx: eight pages. */
export const zoneBytesMin = 8 * 4096;

/** What zones of one kind are for. Two kinds cannot have a zone of one name: this object is compared. */
export interface ZoneUse<T> {
  /** Word in the names of memory regions: zones of another use never get the memory. */
  readonly name: string;
  /** Makes the zone ready once the whole configuration was read. @throws ConfigError */
  open?(zone: Zone<T>): void;
  /** Frees what a thread held that has ended. */
  release?(zone: Zone<T>, worker: number): void;
}

/** A zone of shared memory, as a configuration declares it. */
export class Zone<T = unknown> {
  readonly name: string;
  readonly use: ZoneUse<T>;
  /** Bytes; 0 while the zone has only been referred to. */
  size = 0;
  /** What the declaring directive says of it; null until then. */
  data: T | null = null;
  private readonly shared: SharedMemory;

  constructor(name: string, use: ZoneUse<T>, shared: SharedMemory) {
    this.name = name;
    this.use = use;
    this.shared = shared;
  }

  /**
   * The zone's memory: with all it holds when name, use and size were the same in the configuration
   * before, else zeros.
   */
  region(byteLength: number): SharedArrayBuffer {
    return this.shared.region(`${this.use.name} ${this.size} ${this.name}`, byteLength);
  }
}

/** The zones of one configuration, in the order in which it names them. */
export class Zones {
  private readonly shared: SharedMemory;
  private readonly byName = new Map<string, Zone<never>>();

  constructor(shared: SharedMemory) {
    this.shared = shared;
  }

  /**
   * The zone of that name. Declaring gives it its size; whoever only refers to it passes 0, and may do so
   * before. Follows ngx_shared_memory_add.
   *
   * @throws ConfigError when it is declared for another use, or with another size
   */
  add<T>(scope: Scope, use: ZoneUse<T>, name: string, size: number): Zone<T> {
    const known = this.byName.get(name) as Zone<unknown> | undefined;
    if (known === undefined) {
      const zone = new Zone(name, use, this.shared);
      zone.size = size;
      this.byName.set(name, zone as Zone<never>);
      return zone;
    }
    if (known.use !== use) {
      return scope.fail(`the shared memory zone "${name}" is already declared for a different use`);
    }
    if (known.size === 0) known.size = size;
    if (size !== 0 && size !== known.size) {
      scope.fail(
        `the size ${size} of shared memory zone "${name}" conflicts with already declared size ${known.size}`,
      );
    }
    // The use is the same object, and it says what the data is.
    return known as Zone<T>;
  }

  /** Some zone is for that. */
  has(use: ZoneUse<never>): boolean {
    for (const zone of this.byName.values()) if (zone.use === use) return true;
    return false;
  }

  /** All was read: every zone must have been declared. @throws ConfigError without a place, as nginx's */
  async open(pace: Pace): Promise<void> {
    await inTurns(this.byName.values(), pace, (zone) => {
      if (zone.size === 0) throw new ConfigError(`zero size shared memory zone "${zone.name}"`, "", 0);
      zone.use.open?.(zone);
    });
  }

  /** A thread has ended, whatever it was doing: what it held is free. For the main thread. */
  release(worker: number): void {
    for (const zone of this.byName.values()) zone.use.release?.(zone, worker);
  }
}

/** The bytes of a zone out of a directive. `argument` is what a message about its size shows. */
export function zoneSize(
  scope: Scope,
  text: string,
  argument: { readonly invalid: string; readonly small: string },
): number {
  const size = parseSize(text);
  if (size === null) return scope.fail(`invalid zone size "${argument.invalid}"`);
  return size < zoneBytesMin ? scope.fail(`zone "${argument.small}" is too small`) : size;
}

/** Reads `zone=name:size`; the size in bytes. @throws ConfigError for a size that is none, or too small */
export function zoneArgument(scope: Scope, argument: string): { name: string; size: number } {
  const text = argument.slice("zone=".length);
  const colon = text.indexOf(":");
  if (colon < 0) return scope.fail(`invalid zone size "${argument}"`);
  const size = zoneSize(scope, text.slice(colon + 1), { invalid: argument, small: argument });
  return { name: text.slice(0, colon), size };
}
