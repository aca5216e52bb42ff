import { randomInt } from "node:crypto";
import { close, mkdir, open, read, unlink, write } from "node:fs";
import path from "node:path";
import { describeErrno } from "../../config/errors.ts";
import { systemPath } from "../../config/system-path.ts";

/** Where temporary files lie: `client_body_temp_path`. */
export interface TemporaryDirectory {
  readonly path: string;
  /** Digits that name each level of directories below it, taken from the end of a file's name. */
  readonly levels: readonly number[];
}

/** "nameless": nobody needs to find it; "clean": removed with its request; "persistent": left behind. */
export type BodyFileKind = "nameless" | "clean" | "persistent";

/** So many names in a row are taken at most: beyond it something is wrong. */
const namesMax = 100;

const closedAlready = "the file of a request body was released too early";

/** Threads and processes may share a directory: each counts from somewhere else. */
let lastNumber = randomInt(1e9);

/**
 * The body of a request in a temporary file. It is opened with the first write, and closed when the last
 * request that needs it has released it and no call to the system is under way.
 */
export class BodyFile {
  /** Null until it is open. */
  path: string | null = null;
  /** Bytes written. */
  size = 0;
  /** The body is in it from its first to its last byte. */
  whole = false;
  private readonly directory: TemporaryDirectory;
  private readonly kind: BodyFileKind;
  private readonly onOpen: (path: string) => void;
  private descriptor: number | null = null;
  private users = 1;
  private calls = 0;

  constructor(directory: TemporaryDirectory, kind: BodyFileKind, onOpen: (path: string) => void) {
    this.onOpen = onOpen;
    this.directory = directory;
    this.kind = kind;
  }

  /**
   * Appends all of `bytes`, which must stay as they are until `done`. One call at a time.
   *
   * @param done with null, or with what the error log is to say
   */
  append(bytes: Buffer, done: (failure: string | null) => void): void {
    if (this.users === 0) return done(closedAlready);
    if (this.descriptor === null) {
      this.open(namesMax, (failure) => (failure === null ? this.append(bytes, done) : done(failure)));
      return;
    }
    this.calls += 1;
    write(this.descriptor, bytes, 0, bytes.length, this.size, (error, count) => {
      this.callDone();
      if (error !== null) return done(`pwrite() "${this.path}" failed ${describeErrno(error)}`);
      this.size += count;
      if (count < bytes.length) this.append(bytes.subarray(count), done);
      else done(null);
    });
  }

  /** Reads at `position` into `memory`: `done` gets how many bytes, or what the error log is to say. */
  read(position: number, memory: Buffer, done: (result: number | string) => void): void {
    const { descriptor } = this;
    if (descriptor === null) return done(closedAlready);
    this.calls += 1;
    read(descriptor, memory, 0, memory.length, position, (error, count) => {
      this.callDone();
      if (error !== null) done(`pread() "${this.path}" failed ${describeErrno(error)}`);
      else if (count === 0) done(`pread() read only ${position} of ${this.size} from "${this.path}"`);
      else done(count);
    });
  }

  /** One more request needs it. */
  retain(): void {
    this.users += 1;
  }

  /** One request less that needs it. Without any, it is closed once no call is under way. */
  release(): void {
    this.users -= 1;
    this.closeUnused();
  }

  /** Finds a name that is not taken. */
  private open(attempts: number, done: (failure: string | null) => void): void {
    lastNumber += 1;
    const name = String(lastNumber).padStart(10, "0");
    const file = path.join(this.directory.path, ...levelsOf(name, this.directory.levels), name);
    this.openAs(file, (error) => {
      if (error === null) return done(null);
      if (error.code === "EEXIST" && attempts > 0) return this.open(attempts - 1, done);
      if (error.code !== "ENOENT") return done(`open() "${file}" failed ${describeErrno(error)}`);
      makeDirectory(path.dirname(file), (failure) => {
        if (failure !== null) return done(failure);
        this.openAs(file, (again) => {
          done(again === null ? null : `open() "${file}" failed ${describeErrno(again)}`);
        });
      });
    });
  }

  private openAs(file: string, done: (error: NodeJS.ErrnoException | null) => void): void {
    this.calls += 1;
    open(systemPath(file), "wx+", 0o600, (error, descriptor) => {
      if (error === null) {
        this.descriptor = descriptor;
        this.path = file;
        this.onOpen(file);
        if (this.kind === "nameless") unlink(systemPath(file), () => undefined);
      }
      this.callDone();
      done(error);
    });
  }

  private callDone(): void {
    this.calls -= 1;
    this.closeUnused();
  }

  private closeUnused(): void {
    const { descriptor } = this;
    if (this.users > 0 || this.calls > 0 || descriptor === null) return;
    this.descriptor = null;
    close(descriptor, () => undefined);
    if (this.kind === "clean") unlink(systemPath(this.path!), () => undefined);
  }
}

/** `1 2` of "0000012345" is "5", "34", as in nginx. */
function levelsOf(name: string, levels: readonly number[]): string[] {
  let end = name.length;
  return levels.map((digits) => {
    end -= digits;
    return name.slice(end, end + digits);
  });
}

/**
 * Makes a directory, and those above it that are missing. Not by the runtime: Node (26) tries for ever
 * where the system has no place for one.
 */
function makeDirectory(directory: string, done: (failure: string | null) => void): void {
  const make = (otherwise: (error: NodeJS.ErrnoException) => void): void =>
    mkdir(systemPath(directory), 0o700, (error) => {
      if (error === null || error.code === "EEXIST") done(null);
      else otherwise(error);
    });
  const fail = (error: unknown): void => done(`mkdir() "${directory}" failed ${describeErrno(error)}`);
  make((error) => {
    const above = path.dirname(directory);
    if (error.code !== "ENOENT" || above === directory) return fail(error);
    makeDirectory(above, (failure) => (failure === null ? make(fail) : done(failure)));
  });
}
