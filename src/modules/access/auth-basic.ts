/**
 * ngx_http_auth_basic_module: asks for user and password.
 * https://nginx.org/en/docs/http/ngx_http_auth_basic_module.html
 */
import { readFileSync } from "node:fs";
import type { ComplexValue } from "../../config/complex-value.ts";
import { fullName } from "../../config/cycle.ts";
import { describeErrno } from "../../config/errors.ts";
import type { Context } from "../../config/module.ts";
import { compileValue } from "../../config/complex-value.ts";
import { slots } from "../../config/slots.ts";
import { systemPath } from "../../config/system-path.ts";
import { buildOf } from "../../gateway/build/http-build.ts";
import { DECLINED, OK } from "../../gateway/request/handler.ts";
import type { HttpModule } from "../../gateway/build/http-module.ts";
import type { Verdict } from "../../gateway/request/handler.ts";
import type { Request } from "../../gateway/request/request.ts";
import { basicCredentials } from "./basic-credentials.ts";
import { UnsupportedPassword, verifyPassword } from "./password/verify.ts";

interface AuthBasicSettings {
  realm: ComplexValue<Request> | null;
  /** Absolute once it is evaluated. */
  userFile: ComplexValue<Request> | null;
}

const contexts: readonly Context[] = ["http", "server", "location", "limit_except"];
const slot = slots<AuthBasicSettings>((scope) => scope.location(authBasic));

export const authBasic: HttpModule<object, object, AuthBasicSettings> = {
  name: "ngx_http_auth_basic_module",
  directives: [
    {
      name: "auth_basic",
      contexts,
      args: "1",
      default: "off",
      doc: "Asks for user and password, with this text; `off` does not.",
      set: slot.value("realm", (scope) => buildOf(scope).variables),
    },
    {
      name: "auth_basic_user_file",
      contexts,
      args: "1",
      default: null,
      doc: "The file of users and passwords, one `user:hash` per line.",
      set: slot.custom("userFile", ({ args }, scope) => {
        const path = fullName(args[0]!, scope.cycle.confDirectory);
        return compileValue(buildOf(scope).variables, path, scope);
      }),
    },
  ],
  location: { defaults: () => ({ realm: null, userFile: null }) },
  attach(location, { realm, userFile }) {
    if (realm === null || userFile === null || realm.constant === "off") return;
    location.access.push((request) => judge(request, realm, userFile));
  },
};

function judge(
  request: Request,
  realmValue: ComplexValue<Request>,
  userFile: ComplexValue<Request>,
): Verdict | Promise<Verdict> {
  const realm = realmValue.evaluate(request);
  if (realm === "off") return DECLINED;
  const credentials = basicCredentials(request);
  if (credentials === null) {
    request.log("info", "no user/password was provided for basic authentication");
    return challenge(request, realm);
  }
  const { user, password } = credentials;
  const path = userFile.evaluate(request);
  const stored = findUser(request, path, user);
  if (typeof stored === "number") return stored;
  if (stored === null) {
    request.log("error", `user "${user}" was not found in "${path}"`);
    return challenge(request, realm);
  }
  return check(request, realm, { user, password, stored });
}

async function check(
  request: Request,
  realm: string,
  { user, password, stored }: { user: string; password: string; stored: string },
): Promise<Verdict> {
  try {
    if (await verifyPassword(password, stored)) return OK;
  } catch (error) {
    if (!(error instanceof UnsupportedPassword)) throw error;
    request.log("crit", `crypt() failed for user "${user}": ${error.message}`);
    return 500;
  }
  request.log("error", `user "${user}": password mismatch`);
  return challenge(request, realm);
}

function challenge(request: Request, realm: string): Verdict {
  request.response.fields.set("WWW-Authenticate", `Basic realm="${realm}"`);
  return 401;
}

/** What is stored for a user; null when there is no such user, a status when the file cannot be read. */
function findUser(request: Request, path: string, user: string): string | null | number {
  let text: string;
  try {
    text = readFileSync(systemPath(path), "latin1");
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === "ENOENT";
    request.log(missing ? "error" : "crit", `open() "${path}" failed ${describeErrno(error)}`);
    return missing ? 403 : 500;
  }
  const line = text.split("\n").find((candidate) => candidate.startsWith(`${user}:`));
  if (line === undefined || user.startsWith("#")) return null;
  return line.slice(user.length + 1).split(/[:\r]/, 1)[0]!;
}
