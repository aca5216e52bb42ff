/** HTTP dates: IMF-fixdate out; that, RFC 850 and asctime in, as nginx reads them. */

const DAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

let cachedSecond = Number.NaN;
let cachedText = "";

/** "Sun, 06 Nov 1994 08:49:37 GMT". The last second asked for is kept, for the Date field. */
export function formatHttpDate(wallMs: number): string {
  const second = Math.floor(wallMs / 1000);
  if (second === cachedSecond) return cachedText;
  cachedSecond = second;
  cachedText = new Date(second * 1000).toUTCString();
  return cachedText;
}

/** "Sun, 06-Nov-94 08:49:37 GMT", the form of cookies: four digits of the year from 2038 on, as nginx does. */
export function formatCookieDate(wallMs: number): string {
  const date = new Date(wallMs);
  const year = date.getUTCFullYear();
  const day = DAYS[date.getUTCDay()];
  const month = MONTHS[date.getUTCMonth()];
  const shortYear = year > 2037 ? String(year) : two(year % 100);
  const time = `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())}`;
  return `${day}, ${two(date.getUTCDate())}-${month}-${shortYear} ${time} GMT`;
}

function two(value: number): string {
  return value < 10 ? "0" + value : String(value);
}

const IMF = /^ *(\d\d) (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) (\d{4}) (\d\d):(\d\d):(\d\d)/;
const RFC_850 = /^ *(\d\d)-(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)-(\d\d) (\d\d):(\d\d):(\d\d)/;
const ASCTIME =
  /^\S{3} (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) ([ \d]\d) (\d\d):(\d\d):(\d\d) (\d{4})/;

/**
 * Reads an HTTP date of any of the three forms. As in nginx, the day's name and what follows the time
 * are not looked at, and two-digit years below 70 belong to this century.
 *
 * @returns milliseconds since the epoch, or null
 */
export function parseHttpDate(text: string): number | null {
  const comma = text.indexOf(",");
  if (comma < 0) {
    const parts = ASCTIME.exec(text);
    if (parts === null) return null;
    return toMs(parts[6]!, parts[1]!, parts[2]!, parts[3]!, parts[4]!, parts[5]!);
  }
  const rest = text.slice(comma + 1);
  const imf = IMF.exec(rest);
  if (imf !== null) return toMs(imf[3]!, imf[2]!, imf[1]!, imf[4]!, imf[5]!, imf[6]!);
  const old = RFC_850.exec(rest);
  if (old === null) return null;
  const year = Number(old[3]);
  return toMs(String(year < 70 ? year + 2000 : year + 1900), old[2]!, old[1]!, old[4]!, old[5]!, old[6]!);
}

function toMs(
  year: string,
  month: string,
  day: string,
  hour: string,
  minute: string,
  second: string,
): number | null {
  const monthIndex = MONTHS.indexOf(month);
  const ms = Date.UTC(Number(year), monthIndex, Number(day), Number(hour), Number(minute), Number(second));
  const inRange = Number(hour) <= 23 && Number(minute) <= 59 && Number(second) <= 59 && Number(year) >= 1970;
  // A day that the month does not have rolls over into the next.
  return inRange && Number(day) > 0 && new Date(ms).getUTCMonth() === monthIndex ? ms : null;
}
