/** Something that a configuration does of its own, beside serving requests. */
export interface Background {
  /**
   * The configuration is compiled, and may be used soon or never: finds out what is best known before its first
   * request, in a time that a reload may take. Must not fail, and shows nothing outside yet.
   */
  prepare?(): Promise<void>;
  /** The configuration is in use now. `before`: what had the same name in the one that it replaces; stopped. */
  start(before: Background | null): void;
  /** The configuration is in use no more, but for requests that have begun. */
  stop(): void;
}
