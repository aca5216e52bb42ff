import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { testNetworkContract, type ContractSubject } from "../contract.ts";
import { testSystemNetwork } from "../contract-system.ts";
import { DatagramEchoes } from "../datagram-echo.fixture.ts";
import { createNodeNetwork } from "./network.ts";

testNetworkContract("node", makeSubject);
testSystemNetwork("node", makeSubject);

function makeSubject(): ContractSubject {
  const internalErrors: unknown[] = [];
  const directory = mkdtempSync(join(tmpdir(), "longhaul-net-"));
  const echoes = new DatagramEchoes();
  let paths = 0;
  return {
    network: createNodeNetwork({ onInternalError: (error) => internalErrors.push(error) }),
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
