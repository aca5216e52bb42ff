/**
 * Variables and the strings that contain them ("complex values" in nginx).
 *
 * The registry is generic over `H`, the holder that values are computed for (the gateway's request),
 * because this room knows nothing of requests.
 */

/** Whom values are computed for: a request. */
export interface VariableHolder {
  /** Values by variable index: undefined = not computed yet, null = "not found" (logged as "-"). */
  readonly variableValues: (string | null | undefined)[];
  /** Captures of the last regular expression that matched ($1…$9 are [1]…[9]); null before any. */
  captures: readonly (string | undefined)[] | null;
}

/** A variable as a module declares it: nginx's `ngx_http_variable_t`. */
export interface VariableSpec<H extends VariableHolder> {
  /** Without the dollar sign, lower case. A name ending in "_" with `prefix` stands for a family. */
  readonly name: string;
  readonly prefix?: true;
  /** `rest` is what follows the prefix of a family ("foo" of $http_foo), else "". */
  get(holder: H, rest: string): string | null;
  /** Present on variables that `set` may assign with an effect ($args, $limit_rate). */
  set?(holder: H, value: string): void;
  /** The value is computed anew each time it is used. */
  readonly volatile?: true;
  /** `set`, `map` and the like may redefine it. */
  readonly changeable?: true;
}
