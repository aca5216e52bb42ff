/**
 * ngx_http_userid_module: gives clients a cookie to know them again by.
 * https://nginx.org/en/docs/http/ngx_http_userid_module.html
 */
import type { Context } from "../../../config/module.ts";
import { slots } from "../../../config/slots.ts";
import { valueOf } from "../../../gateway/build/http-build.ts";
import type { HttpModule } from "../../../gateway/build/http-module.ts";
import { wallMs } from "../../../gateway/request/request-facts.ts";
import type { Request } from "../../../gateway/request/request.ts";
import type { Value } from "../../../gateway/serve/settings.ts";
import { parseIp } from "../../../net/address.ts";
import { findCookieField } from "../../support/cookies.ts";
import { readExpiry, readMark, userCookie, userFlags } from "./user-cookie.ts";
import type { CookieAttributes, UserFlag } from "./user-cookie.ts";
import { UserIds } from "./user-ids.ts";

/** "log" only reads the cookie. */
type Enabled = "off" | "log" | "v1" | "on";

interface UserIdSettings extends CookieAttributes {
  enabled: Enabled;
  /** `$uid_reset`; null while no `userid` stands anywhere. */
  reset: Value | null;
  /** Null: the server's address tells it. */
  service: number | null;
  name: string;
  domain: string;
  path: string;
  expiresSeconds: number;
  flags: ReadonlySet<UserFlag>;
  p3p: string;
  /** "" for none. */
  mark: string;
  /** Set when the location is made. */
  ids: UserIds | null;
}

const contexts: readonly Context[] = ["http", "server", "location"];
const slot = slots<UserIdSettings>((scope) => scope.location(userid));

export const userid: HttpModule<object, object, UserIdSettings> = {
  name: "ngx_http_userid_filter_module",
  directives: [
    {
      name: "userid",
      contexts,
      args: "1",
      default: "off",
      doc: "Whether clients are given a cookie (`on`, `v1`), only told apart by one (`log`), or neither.",
      set(scope, directive) {
        slot.word("enabled", { off: "off", log: "log", v1: "v1", on: "on" })(scope, directive);
        scope.location(userid).reset = valueOf(scope, "$uid_reset");
      },
    },
    {
      name: "userid_service",
      contexts,
      args: "1",
      default: null,
      doc: "The number of this server in ids, where its address does not do.",
      set: slot.number("service"),
    },
    {
      name: "userid_name",
      contexts,
      args: "1",
      default: "uid",
      doc: "Name of the cookie.",
      set: slot.string("name"),
    },
    {
      name: "userid_domain",
      contexts,
      args: "1",
      default: "none",
      doc: "The domain that the cookie is for.",
      set: slot.custom("domain", ({ args }) => noneIsEmpty(args[0]!)),
    },
    {
      name: "userid_path",
      contexts,
      args: "1",
      default: "/",
      doc: "The path that the cookie is for.",
      set: slot.string("path"),
    },
    {
      name: "userid_expires",
      contexts,
      args: "1",
      default: "off",
      doc: "How long browsers keep the cookie; `max` until 2037, `off` until they are closed.",
      set: slot.custom("expiresSeconds", readExpiry),
    },
    {
      name: "userid_flags",
      contexts,
      args: "1,2,3",
      default: "off",
      doc: "Attributes of the cookie: `secure`, `httponly`, `samesite=strict`, `samesite=lax`, `samesite=none`.",
      set: slot.words("flags", userFlags),
    },
    {
      name: "userid_p3p",
      contexts,
      args: "1",
      default: "none",
      doc: "The P3P field that goes along with the cookie.",
      set: slot.custom("p3p", ({ args }) => noneIsEmpty(args[0]!)),
    },
    {
      name: "userid_mark",
      contexts,
      args: "1",
      default: "off",
      doc: "A character that the cookie must be marked with; one without it is sent again, with the same id.",
      set: slot.custom("mark", readMark),
    },
  ],
  location: {
    defaults: () => ({
      enabled: "off",
      reset: null,
      service: null,
      name: "uid",
      domain: "",
      path: "/",
      expiresSeconds: 0,
      flags: new Set(),
      p3p: "",
      mark: "",
      ids: null,
    }),
  },
  variables: [
    { name: "uid_got", get: got },
    { name: "uid_set", get: set },
    { name: "uid_reset", changeable: true, get: () => "" },
  ],
  attach(location, settings, build) {
    if (settings.enabled !== "on" && settings.enabled !== "v1") return;
    settings.ids = new UserIds(build.shared);
    location.headerFilters.push((request) => setCookie(request, settings));
  },
};

function noneIsEmpty(text: string): string {
  return text === "none" ? "" : text;
}

/** What is known of the client of a request. */
class User {
  /** As sent; "" without one. */
  cookie = "";
  /** The id that came with the cookie, and that which goes out; null for none. */
  got: Buffer | null = null;
  set: Buffer | null = null;
  reset = false;
}

/** Key in `moduleState`. */
const userOfRequest = {};

/** Characters of base64 that 16 bytes need; what follows is the mark, or rubbish. */
const idLength = 22;

function userOf(request: Request, { name }: UserIdSettings): User {
  const state = (request.moduleState ??= new Map());
  const known = state.get(userOfRequest);
  if (known instanceof User) return known;
  const user = new User();
  state.set(userOfRequest, user);
  const found = findCookieField(request.fields, name.toLowerCase());
  if (found === null) return user;
  user.cookie = found.value;
  if (user.cookie.length < idLength) {
    request.log("error", `client sent too short userid cookie "${found.field}"`);
    return user;
  }
  user.got = decodeId(user.cookie);
  if (user.got === null) request.log("error", `client sent invalid userid cookie "${found.field}"`);
  // A sequence of 0 stands for "none", in nginx as well.
  else if (user.got.readUInt32LE(12) === 0) user.got = null;
  return user;
}

/** As nginx decodes base64: an equals sign ends it, and what is missing is 0. */
function decodeId(cookie: string): Buffer | null {
  const text = cookie.slice(0, idLength).split("=", 1)[0]!;
  if (!/^[A-Za-z0-9+/]*$/.test(text) || text.length % 4 === 1) return null;
  const id = Buffer.alloc(16);
  Buffer.from(text, "base64").copy(id);
  return id;
}

/** Settles whether the client gets a cookie, and with which id. */
function settle(request: Request, user: User, settings: UserIdSettings): void {
  if (user.set !== null) return;
  const { got, cookie } = user;
  if (got !== null) {
    const reset = settings.reset!.evaluate(request);
    if (reset === "" || reset === "0") {
      const { mark } = settings;
      if (mark !== "" && cookie.slice(idLength, idLength + 2) !== `${mark}=`) user.set = got;
      return;
    }
    user.reset = true;
    if (reset === "log") {
      request.log("notice", `userid cookie "${settings.name}=${hexOf(got)}" was reset`);
    }
  }
  user.set = makeId(request, settings);
}

function makeId(request: Request, { enabled, service, ids }: UserIdSettings): Buffer {
  const seconds = Math.floor(wallMs(request) / 1000);
  if (enabled === "v1") return ids!.v1(service ?? 0, seconds);
  const origin = Buffer.alloc(4);
  const { local } = request.origin;
  if (service !== null) origin.writeUInt32BE(service >>> 0);
  else if (local.family !== "unix") parseIp(local.address)?.subarray(-4).copy(origin);
  return ids!.v2(origin, seconds);
}

function setCookie(request: Request, settings: UserIdSettings): void {
  if (request.parent !== null) return;
  const user = userOf(request, settings);
  settle(request, user, settings);
  if (user.set === null) return;
  const value = valueOfCookie(user, settings);
  const { fields } = request.response;
  fields.add("Set-Cookie", userCookie(settings.name, value, settings, wallMs(request)));
  if (settings.p3p !== "") fields.add("P3P", settings.p3p);
}

function valueOfCookie({ cookie, got, reset, set: id }: User, { mark }: UserIdSettings): string {
  if (got !== null && !reset) return `${cookie.slice(0, idLength)}${mark}=`;
  const text = id!.toString("base64");
  return mark === "" ? text : `${text.slice(0, idLength)}${mark}=`;
}

function got(request: Request): string | null {
  const { main } = request;
  const settings = settingsOf(main);
  if (settings.enabled === "off") return null;
  const { got: id } = userOf(main, settings);
  return id === null ? null : `${settings.name}=${hexOf(id)}`;
}

function set(request: Request): string | null {
  const { main } = request;
  const settings = settingsOf(main);
  if (settings.enabled === "off" || settings.enabled === "log") return null;
  const user = userOf(main, settings);
  settle(main, user, settings);
  return user.set === null ? null : `${settings.name}=${hexOf(user.set)}`;
}

function settingsOf(request: Request): UserIdSettings {
  return request.location.settings.get(userid) as UserIdSettings;
}

/** Four numbers of the machine's order of bytes. */
function hexOf(id: Buffer): string {
  const numbers = [0, 4, 8, 12].map((place) => id.readUInt32LE(place));
  return numbers.map((number) => number.toString(16).toUpperCase().padStart(8, "0")).join("");
}
