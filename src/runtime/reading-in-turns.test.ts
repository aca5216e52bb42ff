import assert from "node:assert/strict";
import { test } from "node:test";
import type { ConfigFiles } from "../config/files.ts";
import { DiskLogFiles } from "../gateway/log/disk-log-files.ts";
import { ErrorLog } from "../gateway/log/error-log.ts";
import { systemNetwork } from "../net/choose.ts";
import type { Pace } from "../net/pace.ts";
import { readConfiguration, startReading } from "./configuration.ts";

const count = 400;

/** How often the reading of an http block asks whether it is to give way. */
async function asks(http: string): Promise<number> {
  const text = `events { worker_connections 10000; } http { access_log off; ${http} }`;
  const files: ConfigFiles = {
    read: () => text,
    readBytes: () => Buffer.alloc(0),
    glob: () => [],
    sources: [],
  };
  let asked = 0;
  const pace: Pace = {
    rest: () => {
      asked += 1;
      // Now and then it gives way, which must change nothing.
      return asked % 50 === 0 ? new Promise((resolve) => setImmediate(resolve)) : null;
    },
  };
  const network = systemNetwork();
  await readConfiguration(startReading(files), {
    commandLine: {
      configFile: "/conf/nginx.conf",
      configFileGiven: true,
      prefix: "/conf/",
      globals: "",
      errorLog: "stderr",
      testOnly: false,
      dump: false,
      quiet: true,
      signal: null,
    },
    network,
    logs: new DiskLogFiles(network.clock, "/conf/logs/"),
    mainErrorLog: new ErrorLog([], network.clock),
    pace,
  });
  return asked;
}

function many(line: (index: number) => string): string {
  return Array.from({ length: count }, (_, index) => line(index)).join("\n");
}

const server = (inner: string): string =>
  `server { listen 127.0.0.1:8080; ${inner} location / { return 200; } }`;

/** What people write in great numbers, and the steps that each takes at least: to be parsed, to be applied … */
const configurations: Readonly<Record<string, readonly [steps: number, http: string]>> = {
  "lines of a map": [2, `map $uri $m { ${many((i) => `/k${i} v${i};`)} }`],
  "lines of a geo": [2, `geo $g { ${many((i) => `10.0.${i >> 8}.${i & 255} v;`)} }`],
  "ranges of a geo": [
    2,
    `geo $g { ranges; ${many((i) => `10.0.${i >> 8}.${i & 255}-10.0.${i >> 8}.${i & 255} v;`)} }`,
  ],
  types: [2, server(`types { ${many((i) => `a/b${i} e${i};`)} }`)],
  "servers of an upstream": [2, `upstream u { ${many((i) => `server 127.0.${i >> 8}.${i & 255}:80;`)} }`],
  upstreams: [5, many((i) => `upstream u${i} { server 127.0.0.1:80; }`)],
  "virtual servers": [10, many((i) => `server { listen 127.0.0.1:8080; server_name h${i}.test; }`)],
  locations: [10, server(many((i) => `location /l${i} { return 200; }`))],
  zones: [3, many((i) => `limit_req_zone $uri zone=z${i}:32k rate=1r/s;`)],
};

for (const [name, [steps, http]] of Object.entries(configurations)) {
  test(`${name} are read step by step`, async () => {
    const [empty, full] = [await asks(""), await asks(http)];
    assert.ok(full - empty >= steps * count, `${full - empty} steps for ${count}`);
  });
}
