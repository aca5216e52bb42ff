import { describe } from "node:test";
import { testClosing } from "../../net/contract-closing.ts";
import type { ContractSubject } from "../../net/contract.ts";
import { testStreaming } from "../../net/contract-streaming.ts";
import { StreamNetwork } from "./stream-network.fixture.ts";

for (const seed of [1, 2, 3]) {
  const make = (): ContractSubject => {
    const internalErrors: unknown[] = [];
    const network = new StreamNetwork({ seed, onInternalError: (error) => internalErrors.push(error) });
    const stop = network.below.autoRun();
    return {
      network,
      internalErrors,
      unixPath: () => "/run/a.sock",
      exists: (path) => network.below.exists(path),
      streamBytes: 2 * 1024 * 1024,
      blackHole: null,
      echoDatagrams: () => Promise.reject(new Error("streams have no datagrams")),
      nowhere: null,
      dispose: stop,
    };
  };
  describe(`the contract of connections, by streams of HTTP/2, seed ${seed}`, () => {
    testStreaming(make);
    testClosing(make);
  });
}
