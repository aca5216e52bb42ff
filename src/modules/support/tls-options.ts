/**
 * `Options` of OpenSSL's configuration (SSL_CONF_cmd(3)), as far as they can be brought about here.
 */
import type { Network, TlsContextOptions } from "../../net/network.ts";

/** What an option does to OpenSSL's flags. */
interface Flag {
  readonly bits: number;
  /** The option is on where the flag is not set. */
  readonly inverted?: boolean;
  /** OpenSSL sets it by itself, and no runtime takes it away. */
  readonly always?: boolean;
  /** Which way BoringSSL is made: the option may say so, but not the contrary. Undefined: neither. */
  readonly boring?: boolean;
}

/** Bits of OpenSSL 3: the runtimes name some of them, and Bun gives those that BoringSSL lacks as 0. */
const flags: Readonly<Record<string, Flag>> = {
  emptyfragments: { bits: 1 << 11, inverted: true },
  bugs: { bits: (1 << 11) | (1 << 4) | (1 << 6) },
  noresumptiononrenegotiation: {
    bits: 1 << 16,
    boring: true,
  },
  // New keys for each handshake: all that these libraries can.
  dhsingle: { bits: 0, boring: true },
  ecdhsingle: { bits: 0, boring: true },
  unsafelegacyrenegotiation: {
    bits: 1 << 18,
    boring: false,
  },
  unsafelegacyserverconnect: { bits: 1 << 2, boring: false },
  encryptthenmac: { bits: 1 << 19, inverted: true, boring: false },
  norenegotiation: { bits: 1 << 30, boring: true },
  allownodhekex: { bits: 1 << 10, boring: false },
  prioritizechacha: { bits: 1 << 21, boring: false },
  middleboxcompat: { bits: 1 << 20, always: true, boring: true },
  // There is no early data that could be replayed.
  antireplay: { bits: 0 },
  extendedmastersecret: { bits: 1 << 0, inverted: true, boring: true },
  canames: { bits: 1 << 9, inverted: true, boring: true },
  compression: { bits: 1 << 17, inverted: true, always: true, boring: false },
  // As in nginx, which refuses it for each connection.
  clientrenegotiation: { bits: 0 },
  ignoreunexpectedeof: { bits: 1 << 7 },
};

/** Options that are about speed alone. */
const withoutEffect = new Set(["ktls"]);

/** Names of options that change nothing here, for a notice. */
export function optionsWithoutEffect(value: string): readonly string[] {
  return (optionsIn(value) ?? []).filter(({ name }) => withoutEffect.has(name)).map(({ written }) => written);
}

/** What `Options value` makes of the options; "unknown" for what OpenSSL would not take, else what cannot be done. */
export function applyOptions(
  options: TlsContextOptions,
  value: string,
  library: Network["tlsLibrary"],
): TlsContextOptions | "unknown" | { readonly impossible: string } {
  const list = optionsIn(value);
  if (list === null) return "unknown";
  let result = options;
  for (const { name, written, on } of list) {
    if (withoutEffect.has(name)) continue;
    if (name === "sessionticket") result = { ...result, sessionTickets: on };
    else if (name === "serverpreference") result = { ...result, preferServerCiphers: on };
    else {
      const flag = flags[name];
      if (flag === undefined) return "unknown";
      const libraryFlags = withFlag(result.libraryFlags, flag, on, library);
      if (libraryFlags === null) return { impossible: written };
      result = { ...result, libraryFlags };
    }
  }
  return result;
}

function withFlag(before: number, flag: Flag, on: boolean, library: Network["tlsLibrary"]): number | null {
  const isFixed = library === "boringssl" && flag.bits !== 0;
  if (isFixed) return flag.boring === on ? before : null;
  const isSet = on !== (flag.inverted ?? false);
  if (!isSet && flag.always === true) return null;
  return isSet ? before | flag.bits : before & ~flag.bits;
}

interface Option {
  /** Lower case. */
  readonly name: string;
  readonly written: string;
  readonly on: boolean;
}

/** The options of an OpenSSL command, "A,-B, +C", each with whether it is set; null where one is empty. */
export function optionsIn(value: string): readonly Option[] | null {
  const words = value.split(",").map((word) => word.trim());
  if (words.includes("")) return null;
  return words.map((word) => {
    const written = word.replace(/^[-+]/, "");
    return { name: written.toLowerCase(), written, on: !word.startsWith("-") };
  });
}
