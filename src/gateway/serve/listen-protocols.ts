/**
 * Whether the `listen` directives of one address agree on what is spoken there (`ssl`, `http2`,
 * `proxy_protocol`). An option counts for the address once any of them has it. One directive may say more than
 * the others; what else differs is worth a warning. Follows ngx_http_add_addresses.
 */
export class ListenProtocols {
  /** All options so far, as bits. */
  private options: number;
  /** What every further directive should say; null while there was only one. */
  private expected: number | null = null;
  private changed = false;

  constructor(options: number) {
    this.options = options;
  }

  /**
   * Adds a directive, true when it redefines the options.
   *
   * @param hasSocketOptions whether it has the options of the socket, which one directive may have
   * @param othersHave whether one before it has them
   */
  add(options: number, hasSocketOptions: boolean, othersHave: boolean): boolean {
    const before = this.options;
    const { expected, changed } = this;
    const isUnexpected = expected !== null && options !== expected;
    this.options = before | options;
    if (this.options !== before) {
      this.expected = before;
      this.changed = true;
      return (othersHave && !hasSocketOptions) || changed || this.options !== options;
    }
    this.expected = options;
    if (options !== before) {
      this.changed = true;
      return hasSocketOptions || isUnexpected;
    }
    return (hasSocketOptions && changed) || isUnexpected;
  }
}
