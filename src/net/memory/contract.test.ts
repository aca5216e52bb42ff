import { testNetworkContract, type ContractSubject } from "../contract.ts";
import { createMemoryNetwork } from "./network.ts";

for (const seed of [1, 2, 3]) {
  testNetworkContract(`memory, seed ${seed}`, (): ContractSubject => {
    const internalErrors: unknown[] = [];
    const network = createMemoryNetwork({ seed, onInternalError: (error) => internalErrors.push(error) });
    network.blackHoles.add("192.0.2.1");
    const stop = network.autoRun();
    let paths = 0;
    return {
      network,
      internalErrors,
      unixPath: () => `/run/${paths++}.sock`,
      exists: (path) => network.exists(path),
      streamBytes: 2 * 1024 * 1024,
      blackHole: { kind: "tcp", address: "192.0.2.1", port: 80 },
      echoDatagrams: async () => {
        network.serveDatagrams({ address: "10.0.0.7", port: 7 }, (bytes, answer) => answer(bytes));
        return { kind: "tcp", address: "10.0.0.7", port: 7 };
      },
      nowhere: null,
      dispose: stop,
    };
  });
}
