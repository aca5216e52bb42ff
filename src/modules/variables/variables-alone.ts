/**
 * Variables that nginx knows without a directive of their module being used: of gRPC servers, and the
 * dates of server side includes.
 * https://nginx.org/en/docs/http/ngx_http_ssi_module.html#variables
 */
import type { HttpModule } from "../../gateway/build/http-module.ts";

const days = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"] as const;
const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"] as const;

const zoneName = new Intl.DateTimeFormat("en-US", { timeZoneName: "short" });

export const variablesAlone: HttpModule = {
  name: "longhaul_variables_alone",
  directives: [],
  variables: [
    { name: "slice_range", get: () => "" },
    {
      name: "date_gmt",
      volatile: true,
      get: (request) => dateText(request.client.gateway.network.clock.wall(), true),
    },
    {
      name: "date_local",
      volatile: true,
      get: (request) => dateText(request.client.gateway.network.clock.wall(), false),
    },
  ],
};

/** `%A, %d-%b-%Y %H:%M:%S %Z`, the format where no `config timefmt` of a page says otherwise. */
function dateText(wallMs: number, isGmt: boolean): string {
  const date = new Date(isGmt ? wallMs : wallMs - new Date(wallMs).getTimezoneOffset() * 60_000);
  const two = (value: number): string => String(value).padStart(2, "0");
  const time = [date.getUTCHours(), date.getUTCMinutes(), date.getUTCSeconds()].map(two).join(":");
  const day = `${two(date.getUTCDate())}-${months[date.getUTCMonth()]}-${date.getUTCFullYear()}`;
  return `${days[date.getUTCDay()]}, ${day} ${time} ${isGmt ? "GMT" : zoneAt(wallMs)}`;
}

function zoneAt(wallMs: number): string {
  return zoneName.formatToParts(wallMs).find(({ type }) => type === "timeZoneName")?.value ?? "";
}
