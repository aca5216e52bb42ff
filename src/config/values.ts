/**
 * Numbers, sizes and times as nginx writes them. Every function gives null for what nginx refuses.
 */

/** nginx's integers have 64 bits; what is larger overflows and is refused. */
const INTEGER_MAX = 2n ** 63n - 1n;

/** A number without sign; null for anything else. From 2⁵³ on it is not exact. */
export function parseNumber(text: string): number | null {
  const value = parseInteger(text);
  return value === null ? null : Number(value);
}

/** Bytes, with "k" or "m" (times 1024 and its square); null for anything else: nginx's `ngx_parse_size`. */
export function parseSize(text: string): number | null {
  return parseScaled(text, /[kKmM]$/);
}

/** Bytes, with "k", "m" or "g": nginx's `off_t` values, such as body sizes. */
export function parseOffset(text: string): number | null {
  return parseScaled(text, /[kKmMgG]$/);
}

const SCALES: Readonly<Record<string, bigint>> = { k: 1024n, m: 1024n ** 2n, g: 1024n ** 3n };

function parseScaled(text: string, unit: RegExp): number | null {
  const letter = unit.exec(text)?.[0].toLowerCase() ?? "";
  const value = parseInteger(letter === "" ? text : text.slice(0, -1));
  if (value === null) return null;
  const scaled = value * (SCALES[letter] ?? 1n);
  return scaled > INTEGER_MAX ? null : Number(scaled);
}

function parseInteger(text: string): bigint | null {
  if (!/^[0-9]+$/.test(text)) return null;
  const value = BigInt(text);
  return value > INTEGER_MAX ? null : value;
}

interface TimeUnit {
  readonly unit: string;
  /** Units must come in this order, each once. */
  readonly rank: number;
  readonly ms: bigint;
}

const SECOND = 1000n;
const DAY = 86_400n * SECOND;

const TIME_UNITS: readonly TimeUnit[] = [
  { unit: "y", rank: 1, ms: 365n * DAY },
  { unit: "M", rank: 2, ms: 30n * DAY },
  { unit: "w", rank: 3, ms: 7n * DAY },
  { unit: "d", rank: 4, ms: DAY },
  { unit: "h", rank: 5, ms: 3600n * SECOND },
  { unit: "m", rank: 6, ms: 60n * SECOND },
  { unit: "s", rank: 7, ms: SECOND },
  { unit: "ms", rank: 8, ms: 1n },
  // A space after a number stands for seconds, and only more numbers may follow.
  { unit: " ", rank: 9, ms: SECOND },
];

const RANK_MONTH = 2;
const RANK_SECOND = 7;

/** A time such as `1h30m`, in milliseconds; a bare number is seconds. Years and months are refused. */
export function parseMilliseconds(text: string): number | null {
  return parseTime(text, RANK_MONTH, true);
}

/** A time such as `1y6M`, in seconds; milliseconds are refused. */
export function parseSeconds(text: string): number | null {
  const ms = parseTime(text, 0, false);
  return ms === null ? null : ms / 1000;
}

function parseTime(text: string, firstRank: number, milliseconds: boolean): number | null {
  const pieces = /(\d*)(ms|[yMwdhms ]|$) */gy;
  let rank = firstRank;
  let total = 0n;
  let digits = false;
  while (pieces.lastIndex < text.length) {
    const piece = pieces.exec(text);
    if (piece === null) return null;
    const [, number = "", letter = ""] = piece;
    if (number !== "") digits = true;
    const unit = letter === "" ? BARE : TIME_UNITS.find(({ unit: name }) => name === letter);
    if (unit === undefined || !mayFollow(unit, rank, milliseconds)) return null;
    rank = unit.rank;
    total += BigInt(number === "" ? "0" : number) * unit.ms;
  }
  const limit = milliseconds ? INTEGER_MAX : INTEGER_MAX * SECOND;
  return digits && total <= limit ? Number(total) : null;
}

/** The last number of a time may go without a unit. */
const BARE: TimeUnit = { unit: "", rank: 10, ms: SECOND };

function mayFollow(unit: TimeUnit, rank: number, milliseconds: boolean): boolean {
  if (unit === BARE) return true;
  if (unit.unit === "ms" && !milliseconds) return false;
  return unit.unit === " " ? rank < RANK_SECOND : unit.rank > rank;
}
