/** A parameter of an extension; null for one without a value. */
type ExtensionParameter = readonly [name: string, value: string | null];

/** One extension of a list: its name, and its parameters in their order. */
interface Extension {
  readonly name: string;
  readonly parameters: readonly ExtensionParameter[];
}

const deflate = "permessage-deflate";
/** Each message is compressed without the one before it (RFC 7692, section 7.1.1). */
const serverForgets = "server_no_context_takeover";
const clientForgets = "client_no_context_takeover";

const token = /^[\w!#$%&'*+.^`|~-]+$/;

/**
 * Reads the value of a field Sec-WebSocket-Extensions (RFC 6455, section 9.1). Null for what is no list of extensions.
 */
function readExtensions(value: string): Extension[] | null {
  const extensions: Extension[] = [];
  for (const item of split(value, ",")) {
    const [name = "", ...rest] = split(item, ";").map((part) => part.trim());
    const parameters = rest.map(readParameter);
    if (!token.test(name) || parameters.includes(null)) return null;
    extensions.push({ name, parameters: parameters as ExtensionParameter[] });
  }
  return extensions;
}

/** Cuts at a separator, but for those in quotes. */
function split(text: string, separator: string): string[] {
  const parts: string[] = [];
  let quoted = false;
  let start = 0;
  for (let at = 0; at < text.length; at++) {
    if (text[at] === '"') quoted = !quoted;
    else if (quoted && text[at] === "\\") at += 1;
    else if (!quoted && text[at] === separator) {
      parts.push(text.slice(start, at));
      start = at + 1;
    }
  }
  parts.push(text.slice(start));
  // Empty elements of a list mean nothing (RFC 9110, section 5.6.1).
  return separator === "," ? parts.filter((part) => part.trim() !== "") : parts;
}

function readParameter(text: string): ExtensionParameter | null {
  const equals = text.indexOf("=");
  const name = (equals < 0 ? text : text.slice(0, equals)).trim();
  if (!token.test(name)) return null;
  if (equals < 0) return [name, null];
  const raw = text.slice(equals + 1).trim();
  const value = raw.length > 1 && raw.startsWith('"') && raw.endsWith('"') ? unquote(raw) : raw;
  return token.test(value) ? [name, value] : null;
}

function unquote(text: string): string {
  return text.slice(1, -1).replace(/\\(.)/g, "$1");
}

function writeExtensions(extensions: readonly Extension[]): string {
  return extensions
    .map(({ name, parameters }) =>
      [name, ...parameters.map(([key, value]) => (value === null ? key : `${key}=${value}`))].join("; "),
    )
    .join(", ");
}

/**
 * A client's offer of extensions, changed so that no message leans on one before it: each permessage-deflate asks both
 * sides to forget. What is no list of extensions stays as it is, for the server to refuse.
 */
export function offerWithoutTakeover(offer: string): string {
  const extensions = readExtensions(offer);
  if (extensions === null || !extensions.some(({ name }) => name === deflate)) return offer;
  return writeExtensions(extensions.map((one) => withParameters(one, [serverForgets, clientForgets])));
}

/** What a server has agreed to, as the client is told of it, and whether another server can go on with it. */
export interface AgreedExtensions {
  /** The value of the field; "" for none. */
  readonly value: string;
  /** The same in an order of its own, to be compared with that of another server. */
  readonly canonical: string;
  /** False: the server's messages lean on those before them, which another server does not know. */
  readonly movable: boolean;
}

/**
 * A server's answer to such an offer. The client is always told to forget, which it may be although the server did not
 * say so (RFC 7692, section 7.1.1.2): it harms no server.
 */
export function agreedExtensions(answer: string): AgreedExtensions {
  const extensions = readExtensions(answer);
  if (extensions === null) return { value: answer, canonical: answer, movable: false };
  const movable = extensions.every(
    ({ name, parameters }) => name !== deflate || parameters.some(([key]) => key === serverForgets),
  );
  if (!movable) return { value: answer, canonical: answer, movable };
  const told = extensions.map((one) => withParameters(one, [clientForgets]));
  const sorted = told.map(({ name, parameters }) => ({ name, parameters: parameters.toSorted(byName) }));
  return { value: writeExtensions(told), canonical: writeExtensions(sorted), movable };
}

function withParameters(extension: Extension, names: readonly string[]): Extension {
  if (extension.name !== deflate) return extension;
  const { name, parameters } = extension;
  const missing = names.filter((wanted) => !parameters.some(([key]) => key === wanted));
  return { name, parameters: [...parameters, ...missing.map((key): ExtensionParameter => [key, null])] };
}

function byName([one]: ExtensionParameter, [other]: ExtensionParameter): number {
  return one < other ? -1 : one > other ? 1 : 0;
}
