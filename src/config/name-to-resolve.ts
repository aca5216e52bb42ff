/** A host name that a directive gives where an address is needed; resolved when all is read. */
export interface NameToResolve {
  readonly host: string;
  readonly place: { readonly file: string; readonly line: number };
  /** The error when the name has no address. */
  readonly complaint: string;
  /** True when the address turned out not to be needed. */
  readonly skip?: () => boolean;
  readonly resolved: (addresses: readonly string[]) => void;
}
