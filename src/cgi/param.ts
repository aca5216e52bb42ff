/** A name and what it is set to: what applications are told of a request. Latin1. */
export type Param = readonly [name: string, value: string];
