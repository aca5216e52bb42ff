/** Unicode's properties, as `\p{…}` names them. The runtime's own tables answer which characters have one. */
import { addAll, complement, emptySet } from "./byte-set.ts";
import type { ByteSet } from "./byte-set.ts";
import type { PcreReader } from "./pcre-reader.ts";

/** Names with more capitals than one, or none; they are compared without their underscores. */
const LONG_NAMES = `
ASCII_Hex_Digit Bidi_Control Bidi_Mirrored Case_Ignorable Changes_When_Casefolded Changes_When_Casemapped
Changes_When_Lowercased Changes_When_Titlecased Changes_When_Uppercased Default_Ignorable_Code_Point
Emoji_Component Emoji_Modifier Emoji_Modifier_Base Emoji_Presentation Extended_Pictographic Grapheme_Base
Grapheme_Extend Hex_Digit ID_Continue ID_Start IDS_Binary_Operator IDS_Trinary_Operator Join_Control
Logical_Order_Exception Noncharacter_Code_Point Pattern_Syntax Pattern_White_Space Quotation_Mark
Regional_Indicator Sentence_Terminal Soft_Dotted Terminal_Punctuation Unified_Ideograph Variation_Selector
White_Space XID_Continue XID_Start
Anatolian_Hieroglyphs Bassa_Vah Canadian_Aboriginal Caucasian_Albanian Cypro_Minoan Dives_Akuru
Egyptian_Hieroglyphs Gunjala_Gondi Hanifi_Rohingya Imperial_Aramaic Inscriptional_Pahlavi
Inscriptional_Parthian Khitan_Small_Script Linear_A Linear_B Masaram_Gondi Meetei_Mayek Mende_Kikakui
Meroitic_Cursive Meroitic_Hieroglyphs Nag_Mundari New_Tai_Lue Nyiakeng_Puachue_Hmong Ol_Chiki Old_Hungarian
Old_Italic Old_North_Arabian Old_Permic Old_Persian Old_Sogdian Old_South_Arabian Old_Turkic Old_Uyghur
Pahawh_Hmong Phags_Pa Pau_Cin_Hau Psalter_Pahlavi SignWriting Sora_Sompeng Syloti_Nagri Tai_Le Tai_Tham
Tai_Viet Warang_Citi
AHex Bidi_C Bidi_M DI EBase EComp EMod EPres ExtPict Gr_Base Gr_Ext Join_C NChar Pat_Syn Pat_WS QMark STerm
UIdeo space
`
  .trim()
  .split(/\s+/);

/** What PCRE has besides Unicode's properties, by what they are made of. */
const OWN: Readonly<Record<string, string>> = {
  any: "Any",
  "l&": "LC",
  lc: "LC",
};

/** Longest name that PCRE reads. */
const NAME_BYTES_MAX = 49;

const malformed = "malformed \\P or \\p sequence";
const unknown = "unknown property after \\P or \\p";

/**
 * Reads what follows `\p` or `\P`: the characters that have the property.
 *
 * @param size how many characters there are
 */
export function readProperty(reader: PcreReader, negated: boolean, size: number): ByteSet {
  const { name, inverted } = readName(reader);
  const set = propertySet(reader, name, size);
  return negated === inverted ? set : complement(set);
}

function readName(reader: PcreReader): { readonly name: string; readonly inverted: boolean } {
  const first = reader.take();
  if (first !== "{") {
    if (!/^[A-Za-z]$/.test(first)) reader.fail(malformed);
    return { name: first.toLowerCase(), inverted: false };
  }
  const inverted = reader.takeIf("^");
  let name = "";
  for (;;) {
    const char = reader.take();
    if (char === "" || name.length > NAME_BYTES_MAX) reader.fail(malformed);
    if (char === "}") return { name, inverted };
    if (!/[_\s-]/.test(char)) name += char.toLowerCase();
  }
}

function propertySet(reader: PcreReader, name: string, size: number): ByteSet {
  const [kind = "", value] = name.split(/[:=]/, 2);
  if (value === undefined) {
    const own = ownSet(name, size);
    if (own !== null) return own;
  }
  const property = value === undefined ? lonely(name) : qualified(reader, kind, value);
  return property === null ? reader.fail(unknown) : setOfProperty(property, size);
}

/** Scripts of the first 256 characters are taken for their own: PCRE's tables lend none of them to others. */
function setOfProperty(property: string, size: number): ByteSet {
  const set = setWith(expressionOf(property)!, size);
  if (property.startsWith("Script_Ext")) {
    set.set(setWith(expressionOf(property.replace("_Extensions", ""))!, 256));
  }
  return set;
}

/** `Xan`, `Xsp` and the like. */
function ownSet(name: string, size: number): ByteSet | null {
  switch (name) {
    case "xan":
      return setWith(/[\p{L}\p{N}]/u, size);
    case "xwd":
      return setWith(/[\p{L}\p{N}_]/u, size);
    case "xsp":
    case "xps":
      return setWith(/[\p{Z}\t-\r\x85]/u, size);
    case "xuc":
      return setWith(/[$@`\xa0-\ud7ff\ue000-\u{10ffff}]/u, size);
    default:
      return null;
  }
}

/** A category, a script or a property that is there or not; null when the runtime knows none. */
function lonely(name: string): string | null {
  const words = OWN[name] ?? titled(name);
  const long = longName(name);
  const candidates = [
    words,
    `Script_Extensions=${words}`,
    long ?? name.toUpperCase(),
    `Script_Extensions=${long}`,
  ];
  return candidates.find(isKnown) ?? null;
}

function qualified(reader: PcreReader, kind: string, value: string): string | null {
  if (kind === "bc" || kind === "bidiclass") reader.unsupported(`\\p{${kind}:${value}}`);
  const script = longName(value) ?? titled(value);
  const isScript = kind === "sc" || kind === "script";
  const isExtension = kind === "scx" || kind === "scriptextensions";
  const property = isScript ? `Script=${script}` : `Script_Extensions=${script}`;
  return (isScript || isExtension) && isKnown(property) ? property : null;
}

function isKnown(property: string): boolean {
  return expressionOf(property) !== null;
}

function titled(name: string): string {
  return name.slice(0, 1).toUpperCase() + name.slice(1);
}

function longName(name: string): string | null {
  return LONG_NAMES.find((long) => long.replaceAll("_", "").toLowerCase() === name) ?? null;
}

/** Null when the runtime knows no such property. */
function expressionOf(property: string): RegExp | null {
  if (!/^[A-Za-z_=]+$/.test(property)) return null;
  try {
    return new RegExp(`\\p{${property}}`, "u");
  } catch {
    return null;
  }
}

/** The characters below `size` that an expression matches. */
export function setWith(expression: RegExp, size: number): ByteSet {
  const set = emptySet(size);
  for (let code = 0; code < size; code++) if (expression.test(String.fromCodePoint(code))) set[code] = 1;
  return set;
}

/** The classes that `(*UCP)` changes, by the letter of their escape or by their POSIX name. */
export function unicodeClass(name: string, size: number): ByteSet | null {
  switch (name) {
    case "d":
    case "digit":
      return setWith(/\p{Nd}/u, size);
    case "s":
    case "space":
      return ownSet("xsp", size);
    case "w":
    case "word":
      return ownSet("xwd", size);
    case "alpha":
      return setWith(/\p{L}/u, size);
    case "alnum":
      return ownSet("xan", size);
    case "lower":
      return setWith(/\p{Ll}/u, size);
    case "upper":
      return setWith(/\p{Lu}/u, size);
    case "cntrl":
      return setWith(/\p{Cc}/u, size);
    case "graph":
      return graphSet(size);
    case "print": {
      const set = graphSet(size);
      addAll(set, setWith(/\p{Zs}/u, size));
      return set;
    }
    case "punct":
      return setWith(/\p{P}|[$+<=>^`|~]/u, size);
    default:
      return null;
  }
}

/** What is seen, and formatting characters but for those that only turn the direction. */
function graphSet(size: number): ByteSet {
  return setWith(/[^\p{Z}\p{C}]|(?![\u061c\u180e\u2066-\u2069])\p{Cf}/u, size);
}
