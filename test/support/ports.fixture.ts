/** A process of its own that takes as many ports as it is told, tells them, and keeps them until it is told to end. */
import { freePorts } from "./ports.ts";

process.on("message", () => process.exit());
process.send!(await freePorts(Number(process.argv[2])));
