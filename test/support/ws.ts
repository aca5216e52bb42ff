import { createRequire } from "node:module";
import path from "node:path";
import type * as Ws from "ws";
import { repository } from "./gateway.ts";

/**
 * The `ws` package itself. Bun answers `import "ws"` with a stand-in of its own; the tests want the same
 * client and server on both runtimes.
 */
const require = createRequire(import.meta.url);
const ws = require(path.join(repository, "node_modules/ws/index.js")) as typeof Ws;

export const WebSocket = ws.WebSocket;
export const WebSocketServer = ws.WebSocketServer;
export type WebSocket = Ws.WebSocket;
