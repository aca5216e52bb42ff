/**
 * The load generator (runs on Bun): one job, given as JSON on the command line, see `job.ts`.
 *
 *     bun bench/load.ts '{"mode":"echo","port":8080,…}'
 */
import type { Job, LoadMode } from "./job.ts";
import { Control } from "./load/control.ts";
import { runBroadcast } from "./load/broadcast.ts";
import { runEcho, runIdle } from "./load/echo.ts";
import { runDownloads, runExpressions, runLargeFiles, runRequests, runSmallFiles } from "./load/http.ts";
import { runHttp2Downloads, runHttp2Idle, runHttp2Requests } from "./load/http2.ts";
import { runHttp2Echo, runHttp2IdleTunnels } from "./load/http2-tunnels.ts";
import { runHandshakes, runResumed } from "./load/handshakes.ts";
import { runPaced } from "./load/paced.ts";
import { runTunnels } from "./load/tunnels.ts";

const modes: Record<LoadMode, (job: Job, control: Control) => Promise<void>> = {
  echo: runEcho,
  paced: runPaced,
  broadcast: runBroadcast,
  tunnels: runTunnels,
  requests: runRequests,
  downloads: runDownloads,
  "small-files": runSmallFiles,
  "large-files": runLargeFiles,
  expressions: runExpressions,
  handshakes: runHandshakes,
  resumed: runResumed,
  idle: runIdle,
  "h2-requests": runHttp2Requests,
  "h2-downloads": runHttp2Downloads,
  "h2-idle": runHttp2Idle,
  "h2-echo": runHttp2Echo,
  "h2-idle-tunnels": runHttp2IdleTunnels,
};

const job = JSON.parse(process.argv[2] ?? "{}") as Job;
const control = new Control();
try {
  await modes[job.mode](job, control);
  process.exit(0);
} catch (error) {
  control.fail(error instanceof Error ? error.message : String(error));
}
