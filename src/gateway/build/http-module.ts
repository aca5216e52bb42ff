import type { DirectiveSpec, Level, Module } from "../../config/module.ts";
import type { Scope } from "../../config/scope.ts";
import type { VariableSpec } from "../../config/variables.ts";
import type { HttpBuild } from "./http-build.ts";
import type { Location } from "../serve/location.ts";
import type { Request } from "../request/request.ts";
import type { VirtualServer } from "../serve/virtual-server.ts";

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
  /**
   * Called once, when all is read and host names are resolved, before settings are merged: makes upstreams of
   * their drafts. `http` is the scope of the `http` block. @throws ConfigError
   */
  finishUpstreams?(build: HttpBuild, http: Scope): void | Promise<void>;
  /** Called once per server, after its settings were merged: adds server-level handlers. */
  attachServer?(server: VirtualServer, settings: S, build: HttpBuild): void;
  /** Called once per location, after its settings were merged: adds handlers that close over them. */
  attach?(location: Location, settings: L, build: HttpBuild): void;
  /**
   * Called once, when `attach` was called for all locations: does what takes the whole configuration.
   * @throws ConfigError
   */
  finishServers?(build: HttpBuild, http: Scope): void | Promise<void>;
}
