/** Something that a configuration does of its own, beside serving requests. */
export interface Background {
  /** The configuration is in use now. `before`: what had the same name in the one that it replaces; stopped. */
  start(before: Background | null): void;
  /** The configuration is in use no more, but for requests that have begun. */
  stop(): void;
}
