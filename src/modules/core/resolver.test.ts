import assert from "node:assert/strict";
import { test } from "node:test";
import { Simulation } from "../../gateway/simulation.fixture.ts";
import { answering, response } from "../../gateway/wire.fixture.ts";

test("a name server may be named by its own name, which the system knows", async () => {
  const simulation = await Simulation.start({ http: "" });
  const { names } = simulation.network;
  names.set("ns.test", ["10.0.0.53"]);
  names.set("app.test", ["10.0.1.1"]);
  await simulation.configure(`
    resolver ns.test;
    upstream app { zone app 64k; server app.test:9000 resolve; }
    server {
      listen 10.0.0.1:80;
      location /variable { set $name app.test; proxy_pass http://$name:9000; }
      location /upstream { proxy_pass http://app; }
    }`);
  await simulation.origin(9000, (wire) => answering(wire, () => response("200 OK", "found")), "10.0.1.1");
  for (const path of ["/variable", "/upstream"]) {
    const { body } = await simulation.ask(`GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
    assert.equal(body.toString(), "found", path);
  }
  await simulation.finish();
});
