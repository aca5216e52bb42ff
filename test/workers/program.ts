/**
 * Longhaul with a module of the tests' own: `$worker_thread` tells which thread answers, and `worker_crash`
 * ends it. The variable `PATIENCE` makes its watchdog less patient.
 */
import { writeSync } from "node:fs";
import { isMainThread, threadId } from "node:worker_threads";
import { parseOptions } from "../../src/cli/options.ts";
import type { HttpModule } from "../../src/gateway/build/http-module.ts";
import { run } from "../../src/runtime/start.ts";
import { usualPatience } from "../../src/runtime/watchdog.ts";
import type { Patience } from "../../src/runtime/watchdog.ts";
import { runWorker } from "../../src/runtime/worker.ts";

interface CrashSettings {
  crash: string;
}

const crashes: Readonly<Record<string, () => void>> = {
  exception: () =>
    setImmediate(() => {
      throw new Error("injected");
    }),
  rejection: () => void Promise.reject(new Error("injected")),
  exit: () => process.exit(3),
  loop: () => {
    // Whoever waits for it reads the log.
    writeSync(2, "the loop begins\n");
    for (;;);
  },
  microtasks: () => {
    const again = (): void => void Promise.resolve().then(again);
    again();
  },
  wait: () => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1500),
};

const module: HttpModule<object, object, CrashSettings> = {
  name: "test_crash",
  directives: [
    {
      name: "worker_crash",
      contexts: ["location"],
      args: "1",
      default: null,
      doc: "Ends the thread that gets a request: exception, rejection or exit; or holds it: loop, microtasks or wait.",
      set(scope, directive) {
        scope.location(module).crash = directive.args[0]!;
      },
    },
  ],
  location: { defaults: () => ({ crash: "" }) },
  variables: [{ name: "worker_thread", volatile: true, get: () => String(threadId) }],
  attach(location, { crash }) {
    if (crash !== "") location.content = () => (crashes[crash]!(), -4);
  },
};

if (!isMainThread) runWorker([module]);
else {
  const { PATIENCE } = process.env;
  const patience = PATIENCE === undefined ? usualPatience : (JSON.parse(PATIENCE) as Patience);
  const { commandLine } = parseOptions(process.argv.slice(2), process.cwd());
  const workerEntry = new URL(import.meta.url);
  process.exit(await run(commandLine, { modules: [module], workerEntry, patience }));
}
