import type { ChildProcess } from "node:child_process";
import { renameSync } from "node:fs";
import { describeErrno } from "../config/errors.ts";
import type { ErrorLog } from "../gateway/log/error-log.ts";
import { isBackground, ownProgram, startSuccessor } from "./background.ts";
import type { Program } from "./background.ts";
import { bequeath } from "./inheritance.ts";
import type { Inheritance } from "./inheritance.ts";
import { readRequest, writeAnswer } from "./takeover-file.ts";

/** What a binary upgrade needs of the process that it is to replace. */
export interface UpgradeInit {
  readonly log: ErrorLog;
  readonly inheritance: Inheritance;
  /** What the new process must know besides. */
  readonly environment: () => NodeJS.ProcessEnv;
  /** What the new process is to listen on; null when that cannot be handed over. */
  readonly sockets: () => Promise<ReadonlyMap<string, readonly number[]> | null>;
  /** The new process has ended: this one is alone again. */
  readonly onAlone: () => void;
}

/** Starts a new program in the place of this process: both serve, until one of them is told to end. */
export class BinaryUpgrade {
  private readonly init: UpgradeInit;
  private successor: ChildProcess | null = null;
  /** Of the successor, as long as it has it; latin1. */
  private pidFile = "";

  constructor(init: UpgradeInit) {
    this.init = init;
  }

  /** The new process has not ended. */
  get isUnderWay(): boolean {
    return this.successor !== null;
  }

  /** Where the pid of this process is, whose configuration says `pidFile`. */
  ownPidFile(pidFile: string): string {
    return this.successor === null ? pidFile : oldOf(this.pidFile);
  }

  /** Takes up what `--takeover` asked for, else starts this program again. */
  async begin(pidFile: string): Promise<void> {
    const { log, inheritance } = this.init;
    const refuse = (reason: string): void => {
      log.write("crit", `the changing binary signal is ignored: ${reason}`);
      writeAnswer(pidFile, { failure: reason });
    };
    if (!isBackground()) {
      refuse("the process is in the foreground");
      return;
    }
    if (this.successor !== null || inheritance.hasParent) {
      refuse("you should shutdown or terminate before either old or new binary's process");
      return;
    }
    const sockets = await this.init.sockets();
    if (sockets === null) {
      refuse("this runtime cannot hand its listening sockets over");
      return;
    }
    log.write("notice", "changing binary");
    const program = readRequest(pidFile) ?? ownProgram;
    if (!this.rename(pidFile, oldOf(pidFile), `before executing new binary process "${program.file}"`)) {
      writeAnswer(pidFile, { failure: "the pid file could not be renamed" });
      return;
    }
    this.start(program, sockets, pidFile);
  }

  private start(program: Program, sockets: ReadonlyMap<string, readonly number[]>, pidFile: string): void {
    const { environment, descriptors } = bequeath(sockets);
    const child = startSuccessor(program, { ...environment, ...this.init.environment() }, descriptors);
    this.successor = child;
    this.pidFile = pidFile;
    this.init.inheritance.hasSuccessor = true;
    writeAnswer(pidFile, { failure: null });
    this.init.log.write("notice", `start new binary process ${child.pid ?? 0}`);
    child.once("error", (error) => this.over(child, program, `could not be started: ${error.message}`));
    child.once("exit", (code, signal) => {
      this.over(child, program, signal === null ? `exited with code ${code}` : `exited on ${signal}`);
    });
  }

  private over(child: ChildProcess, { file }: Program, how: string): void {
    if (this.successor !== child) return;
    const { pidFile } = this;
    this.init.log.write("notice", `new binary process ${child.pid ?? 0} ${how}`);
    this.rename(oldOf(pidFile), pidFile, `after the new binary process "${file}" exited`);
    this.successor = null;
    this.init.inheritance.hasSuccessor = false;
    writeAnswer(pidFile, { failure: `the new process ${how}` });
    this.init.onAlone();
  }

  private rename(from: string, to: string, when: string): boolean {
    try {
      renameSync(Buffer.from(from, "latin1"), Buffer.from(to, "latin1"));
      return true;
    } catch (error) {
      const back = this.successor === null ? "" : " back";
      this.init.log.write("alert", `rename() ${from}${back} to ${to} failed ${when} ${describeErrno(error)}`);
      return false;
    }
  }
}

function oldOf(pidFile: string): string {
  return `${pidFile}.oldbin`;
}
