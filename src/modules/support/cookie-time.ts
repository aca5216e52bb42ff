const days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** The last day that nginx names in cookies that are kept for ever. */
export const lastCookieTime = "Thu, 31-Dec-37 23:55:55 GMT";

/** nginx's form of a date in a cookie: the year has two digits as long as that is clear. */
export function cookieTime(ms: number): string {
  const date = new Date(ms);
  const two = (number: number): string => String(number).padStart(2, "0");
  const year = date.getUTCFullYear();
  const day = `${two(date.getUTCDate())}-${months[date.getUTCMonth()]}-${year > 2037 ? year : two(year % 100)}`;
  const time = [date.getUTCHours(), date.getUTCMinutes(), date.getUTCSeconds()].map(two).join(":");
  return `${days[date.getUTCDay()]}, ${day} ${time} GMT`;
}
