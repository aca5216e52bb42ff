import assert from "node:assert/strict";
import { test } from "node:test";
import { DialSession, SessionStore } from "./session-store.ts";
import type { ClientTls, Endpoint, TlsContext } from "./network.ts";

const context: TlsContext = { isTlsContext: true };
const endpoint: Endpoint = { kind: "tcp", address: "127.0.0.1", port: 443 };
const plain: ClientTls = { context, serverName: "a", verifyName: null, alpn: [] };

test("a session is for the same server, name and trust only, and forgotten when a dial fails", () => {
  const store = new SessionStore();
  const session = Buffer.from("session");
  const dialed = new DialSession(store, endpoint, plain);
  dialed.keep(session);
  dialed.accept();
  assert.equal(new DialSession(store, endpoint, plain).get(), session);
  for (const other of [
    new DialSession(store, { ...endpoint, port: 444 }, plain),
    new DialSession(store, { kind: "unix", path: "/a" }, plain),
    new DialSession(store, endpoint, { ...plain, serverName: "b" }),
    new DialSession(store, endpoint, { ...plain, verifyName: "a" }),
  ])
    assert.equal(other.get(), undefined);
  new DialSession(store, endpoint, plain).forget();
  assert.equal(new DialSession(store, endpoint, plain).get(), undefined);
});

test("what comes before the server was accepted is kept then, and never when it was refused", () => {
  const store = new SessionStore();
  const session = Buffer.from("session");
  const known = (): Buffer | undefined => new DialSession(store, endpoint, plain).get();
  const refused = new DialSession(store, endpoint, plain);
  refused.keep(session);
  assert.equal(known(), undefined);
  refused.forget();
  refused.keep(session);
  assert.equal(known(), undefined);
  const accepted = new DialSession(store, endpoint, plain);
  accepted.keep(session);
  assert.equal(known(), undefined);
  accepted.accept();
  assert.equal(known(), session);
  const later = Buffer.from("later");
  accepted.keep(later);
  assert.equal(known(), later);
});

test("names with spaces are no other names", () => {
  const store = new SessionStore();
  const dialed = new DialSession(store, endpoint, { ...plain, serverName: "a b", verifyName: "" });
  dialed.keep(Buffer.from("session"));
  dialed.accept();
  for (const other of [
    { serverName: "a", verifyName: "b " },
    { serverName: "a b", verifyName: null },
  ])
    assert.equal(new DialSession(store, endpoint, { ...plain, ...other }).get(), undefined);
});

test("sessions do not pile up: the first one gives way", () => {
  const store = new SessionStore();
  for (let index = 0; index <= 256; index++) store.set(`${index}`, Buffer.from([index & 255]));
  assert.equal(store.get("0"), undefined);
  assert.notEqual(store.get("1"), undefined);
  assert.notEqual(store.get("256"), undefined);
});
