import { errorPage, wireStatus } from "../../http/status.ts";
import type { Request } from "./request.ts";
import type { ErrorPage } from "../serve/settings.ts";
import { serverField } from "./product.ts";
import { readAgent } from "./user-agent.ts";
import type { Agent } from "./user-agent.ts";

/** After these the connection is closed: what follows on it cannot be trusted, or the server is in trouble. */
const closing = new Set([400, 413, 414, 495, 496, 497, 500, 501]);

const padding = "<!-- a padding to disable MSIE and Chrome friendly error page -->\r\n".repeat(6);

/**
 * Ends a request with a status, by the location's `error_page` or the built-in page.
 * Follows ngx_http_special_response_handler.
 */
export function answerWithErrorPage(request: Request, status: number): void {
  const { response } = request;
  response.reset();
  request.body.forgetExpectation();
  request.errorStatus = status;
  if (closing.has(status)) request.keepAlive = false;
  if (status === 204 || status === 201) {
    sendBuiltIn(request, status);
    return;
  }
  const { core } = request.location;
  if (!request.servingErrorPage && core.errorPages.length > 0 && request.uriChangesLeft > 0) {
    if (!core.recursiveErrorPages) request.servingErrorPage = true;
    const page = core.errorPages.find((candidate) => candidate.codes.includes(status));
    if (page !== undefined) {
      serveErrorPage(request, page, status);
      return;
    }
  }
  sendBuiltIn(request, status);
}

function serveErrorPage(request: Request, page: ErrorPage, status: number): void {
  const target = page.target.evaluate(request);
  const overwrite = page.overwrite;
  if (overwrite !== null) request.errorStatus = overwrite;
  request.errorStatus = wireStatus(request.errorStatus);

  if (target.startsWith("/")) {
    const query = target.indexOf("?");
    const uri = query < 0 ? target : target.slice(0, query);
    const args = query >= 0 ? target.slice(query + 1) : page.args;
    if (request.method !== "HEAD") request.method = "GET";
    request.internalRedirect(uri, args);
    return;
  }
  if (target.startsWith("@")) {
    request.namedRedirect(target);
    return;
  }
  const redirects = [301, 302, 303, 307, 308];
  const shown = overwrite !== null && redirects.includes(overwrite) ? overwrite : 302;
  request.errorStatus = shown;
  request.response.fields.set("Location", target);
  if (wantsRefresh(request)) return sendRefresh(request, target);
  sendPage(request, shown, status);
}

function sendBuiltIn(request: Request, status: number): void {
  const location = request.response.fields.get("location");
  const moved = (status === 301 || status === 302) && location !== null;
  if (moved && wantsRefresh(request)) return sendRefresh(request, location);
  sendPage(request, wireStatus(status), status);
}

/** `shown` goes into the status line, `status` chooses the page's text. */
function sendPage(request: Request, shown: number, status: number): void {
  const { response } = request;
  request.body.discard();
  response.status = shown;
  const { core } = request.location;
  const cause = shown >= 300 && shown < 400 ? shown : status;
  let page = errorPage(cause, serverField(core.serverTokens));
  if (page === null) {
    response.contentLength = shown === 204 ? -1 : 0;
    response.prepareHead();
    response.end();
    return;
  }
  if (core.msiePadding && cause >= 400 && wantsPadding(request)) page += padding;
  response.contentType = "text/html";
  response.sendWhole(Buffer.from(page, "latin1"));
}

function wantsPadding(request: Request): boolean {
  const { msie, chrome } = agentOf(request);
  return msie || chrome;
}

function wantsRefresh(request: Request): boolean {
  return request.location.core.msieRefresh && agentOf(request).msie;
}

function agentOf({ fields }: Request): Agent {
  return readAgent(fields.get("user-agent") ?? "");
}

/** A page that leads on, for browsers that forget the fragment of a Location. */
function sendRefresh(request: Request, target: string): void {
  const { response } = request;
  request.body.discard();
  request.errorStatus = 200;
  response.status = 200;
  response.fields.remove("location");
  response.contentType = "text/html";
  const escaped = target.replace(/[\0-\x20"'\x7f-\xff]/g, escapeByte);
  const page = `<html><head><meta http-equiv="Refresh" content="0; URL=${escaped}"></head><body></body></html>\r\n`;
  response.sendWhole(Buffer.from(page, "latin1"));
}

function escapeByte(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`;
}
