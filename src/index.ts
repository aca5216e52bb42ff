/// <reference types="node" preserve="true" />
/**
 * Longhaul as a library: start a gateway from an nginx configuration inside your own process, and the
 * interfaces for what it can be given instead of the system's sockets and clock.
 */
export { ConfigError } from "./config/errors.ts";
export type { Remark } from "./config/command-line.ts";
export type { LogSink } from "./gateway/log/error-log.ts";
export type { LogBuffering, LogFiles } from "./gateway/log/log-files.ts";
export type { Clock, Timer } from "./net/clock.ts";
export type { Connection, ConnectionOwner, SocketAddress, TlsInfo } from "./net/connection.ts";
export { createMemoryNetwork } from "./net/memory/network.ts";
export type { Network } from "./net/network.ts";
export { startGateway } from "./runtime/embed.ts";
export type { GatewayOptions, RunningGateway } from "./runtime/embed.ts";
