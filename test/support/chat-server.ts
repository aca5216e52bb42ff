/**
 * A WebSocket server in a process of its own, which can be killed, frozen and restarted:
 *
 *     node test/support/chat-server.ts <port> <name>
 *
 * It answers each text message with "<name> <text>". Asked to end (SIGTERM), it closes all with 1012.
 */
import { WebSocketServer } from "./ws.ts";

const [port = "", name = ""] = process.argv.slice(2);
const server = new WebSocketServer({ host: "127.0.0.1", port: Number(port) });
server.on("listening", () => process.stdout.write("ready\n"));
server.on("connection", (socket) => {
  socket.on("error", () => {});
  socket.on("message", (data) => socket.send(`${name} ${(data as Buffer).toString()}`));
});
process.on("SIGTERM", () => {
  server.close(() => process.exit(0));
  for (const socket of server.clients) socket.close(1012, "restart");
});
