import { closeSync } from "node:fs";

/** Names the inherited descriptors by endpoint, as JSON. */
const variable = "LONGHAUL_SOCKETS";

/** Standard input, output and errors come before what is inherited. */
const firstDescriptor = 3;

/** The listening sockets that came from the process that started this one in its place. */
export class Inheritance {
  /** Another process that is started in the place of this one has the sockets, too. */
  hasSuccessor = false;
  private readonly parent = process.ppid;
  private readonly isHeir: boolean;
  private readonly descriptors: Map<string, readonly number[]>;

  constructor() {
    const text = process.env[variable];
    // What this process starts must not take it for its own.
    delete process.env[variable];
    this.isHeir = text !== undefined;
    this.descriptors = new Map(Object.entries(JSON.parse(text ?? "{}") as Record<string, number[]>));
  }

  /** The descriptors of an endpoint, which belong to the caller from now on. */
  take(key: string): readonly number[] {
    const descriptors = this.descriptors.get(key) ?? [];
    this.descriptors.delete(key);
    return descriptors;
  }

  /** Closes what nobody took. */
  forget(): void {
    for (const descriptor of [...this.descriptors.values()].flat()) closeSync(descriptor);
    this.descriptors.clear();
  }

  /** The process that started this one has not ended. */
  get hasParent(): boolean {
    return process.ppid === this.parent;
  }

  /** Another process may listen on the same sockets: their files are not for this one to take away. */
  isShared(): boolean {
    return this.hasSuccessor || (this.isHeir && this.hasParent);
  }
}

/** The environment and the descriptors, behind the three standard ones, by which a process inherits sockets. */
export function bequeath(sockets: ReadonlyMap<string, readonly number[]>): {
  environment: NodeJS.ProcessEnv;
  descriptors: number[];
} {
  const descriptors: number[] = [];
  const places: Record<string, number[]> = {};
  for (const [key, own] of sockets) {
    places[key] = own.map((descriptor) => firstDescriptor + descriptors.push(descriptor) - 1);
  }
  return { environment: { [variable]: JSON.stringify(places) }, descriptors };
}
