/** Times as logs show them, in the local time zone. Each form keeps its last second. */

const monthNames = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

let localSecond = Number.NaN;
let localText = "";
let isoSecond = Number.NaN;
let isoText = "";

/** "22/Nov/2026:13:24:00 +0000": `$time_local`. */
export function formatLogTime(wallMs: number): string {
  const second = Math.floor(wallMs / 1000);
  if (second === localSecond) return localText;
  const date = new Date(second * 1000);
  const day = `${two(date.getDate())}/${monthNames[date.getMonth()]!}/${date.getFullYear()}`;
  const [hours, minutes] = zone(date);
  localText = `${day}:${timeOfDay(date)} ${hours}${minutes}`;
  localSecond = second;
  return localText;
}

/** "2026-11-22T13:24:00+00:00": `$time_iso8601`. */
export function formatIsoTime(wallMs: number): string {
  const second = Math.floor(wallMs / 1000);
  if (second === isoSecond) return isoText;
  const date = new Date(second * 1000);
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  const [hours, minutes] = zone(date);
  isoText = `${day}T${timeOfDay(date)}${hours}:${minutes}`;
  isoSecond = second;
  return isoText;
}

/** Seconds with three decimals, cut off rather than rounded: `$request_time`, `$msec`. */
export function formatSeconds(ms: number): string {
  const whole = Math.max(0, Math.floor(ms));
  return `${Math.floor(whole / 1000)}.${String(whole % 1000).padStart(3, "0")}`;
}

function timeOfDay(date: Date): string {
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** Sign and hours, then minutes, east of Greenwich. */
function zone(date: Date): [string, string] {
  const east = -date.getTimezoneOffset();
  const minutes = Math.abs(east);
  return [`${east < 0 ? "-" : "+"}${two(Math.floor(minutes / 60))}`, two(minutes % 60)];
}

function two(value: number): string {
  return value < 10 ? `0${value}` : String(value);
}
