/** Why a head was refused, in the words of nginx's error log. */
export interface HeadFailure {
  /** Status to answer with. 494 is nginx's own: shown to the client as 400 "Request Header Or Cookie Too Large". */
  readonly status: 400 | 405 | 414 | 494 | 501 | 505;
  /** nginx's log message, such as `client sent invalid method while reading client request line`. */
  readonly reason: string;
}
