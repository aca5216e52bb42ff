/** What a worker thread runs. */
import { runWorker } from "./worker.ts";

runWorker();
