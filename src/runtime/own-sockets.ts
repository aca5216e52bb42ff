import type { KeptSocket, SocketKeeper } from "../net/kept-socket.ts";

/** Where sockets cannot be shared between threads: each is bound by the one listener that uses it. */
export class OwnSockets implements SocketKeeper {
  readonly bindsAhead = false;

  crossesThreads(): boolean {
    return false;
  }

  open(): KeptSocket[] {
    return [
      {
        lend: () => ({ handle: null, transfer: [] }),
        takeBack: () => undefined,
        survives: () => true,
        shelve: () => undefined,
        descriptor: () => null,
        close: () => undefined,
      },
    ];
  }

  reserve(): void {}

  forget(): void {}

  adopt(): KeptSocket[] {
    return [];
  }
}
