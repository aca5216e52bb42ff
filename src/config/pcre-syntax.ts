/** A regular expression that cannot be used. */
export class PcreError extends Error {
  /** The byte at which PCRE stops. */
  readonly offset: number;
  /** PCRE would take it; the message names the feature. */
  readonly unsupported: boolean;

  constructor(message: string, offset: number, unsupported = false) {
    super(message);
    this.name = "PcreError";
    this.offset = offset;
    this.unsupported = unsupported;
  }
}

/** A parsed regular expression. `source` pieces are JavaScript already and match without captures. */
export type PcreNode =
  | { readonly kind: "source"; readonly source: string }
  | { readonly kind: "sequence"; readonly items: readonly PcreNode[] }
  | { readonly kind: "alternatives"; readonly branches: readonly PcreNode[] }
  /** `open` is "(?:", "(?=", "(?!", "(?<=" or "(?<!". */
  | { readonly kind: "group"; readonly open: string; readonly body: PcreNode }
  | { readonly kind: "capture"; readonly number: number; readonly body: PcreNode }
  | { readonly kind: "atomic"; readonly body: PcreNode }
  | { readonly kind: "repeat"; readonly item: PcreNode; readonly quantifier: string }
  | {
      readonly kind: "reference";
      readonly target: number | string;
      readonly caseless: boolean;
      readonly offset: number;
    };

/** The options that `(?imsxnU)` sets, in force at one place of a pattern. */
export interface PcreOptions {
  readonly caseless: boolean;
  readonly multiline: boolean;
  readonly dotAll: boolean;
  readonly extended: boolean;
  readonly ungreedy: boolean;
  readonly noAutoCapture: boolean;
}

export interface ParsedPcre {
  readonly root: PcreNode;
  readonly groupCount: number;
  /** Names of groups, with their numbers. */
  readonly names: ReadonlyMap<string, number>;
}
