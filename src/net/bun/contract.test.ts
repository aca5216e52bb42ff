import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { testNetworkContract, type ContractSubject } from "../contract.ts";
import { testSystemNetwork } from "../contract-system.ts";
import { DatagramEchoes } from "../datagram-echo.fixture.ts";
import { bunApi } from "./api.ts";
import { createBunNetwork } from "./network.ts";

if (bunApi === null) test("network contract: bun", { skip: "needs Bun's own sockets" }, () => {});
else {
  testNetworkContract("bun", makeSubject);
  testSystemNetwork("bun", makeSubject);
}

function makeSubject(): ContractSubject {
  const internalErrors: unknown[] = [];
  const directory = mkdtempSync(join(tmpdir(), "longhaul-net-"));
  const echoes = new DatagramEchoes();
  let paths = 0;
  return {
    network: createBunNetwork({ onInternalError: (error) => internalErrors.push(error) }),
    internalErrors,
    unixPath: () => join(directory, `${paths++}.sock`),
    exists: existsSync,
    streamBytes: 8 * 1024 * 1024,
    blackHole: null,
    echoDatagrams: echoes.start,
    // Sockets may not broadcast unless they ask for it.
    nowhere: { kind: "tcp", address: "255.255.255.255", port: 53 },
    dispose: () => {
      echoes.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
