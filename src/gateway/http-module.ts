import type { DirectiveSpec, Level, Module } from "../config/module.ts";
import type { VariableSpec } from "../config/variables.ts";
import type { HttpBuild } from "./http-build.ts";
import type { Location } from "./location.ts";
import type { Request } from "./request.ts";
import type { VirtualServer } from "./virtual-server.ts";

/** Phase handlers answer with one of these, or with a status code of 100 or more. */
export const OK = 0;
/** "Not mine": the next handler of the phase is asked. */
export const DECLINED = -5;
/** The handler has taken the request over and will end it. */
export const DONE = -4;

export type Verdict = number;
export type PhaseHandler = (request: Request) => Verdict | Promise<Verdict>;

/** Sees, and may change, a response's head before it is sent. */
export type HeaderFilter = (request: Request) => void;
export type LogHandler = (request: Request) => void;

/** A module of the http block: settings and directives, with variables and handlers. */
export interface HttpModule<
  M extends object = object,
  S extends object = object,
  L extends object = object,
> extends Module<M, S, L> {
  readonly directives: readonly DirectiveSpec[];
  readonly main?: Level<M>;
  readonly server?: Level<S>;
  readonly location?: Level<L>;
  readonly variables?: readonly VariableSpec<Request>[];
  /** Called once per server, after its settings were merged: adds server-level handlers. */
  attachServer?(server: VirtualServer, settings: S, build: HttpBuild): void;
  /** Called once per location, after its settings were merged: adds handlers that close over them. */
  attach?(location: Location, settings: L, build: HttpBuild): void;
}
