import assert from "node:assert/strict";
import { test } from "node:test";
import { crc32 } from "node:zlib";
import { ketamaRing, ringPlace } from "./ketama.ts";
import { peerOptions } from "./peer.fixture.ts";
import { Peer } from "./peer.ts";

function ringOf(...servers: [server: string, weight: number][]) {
  return ketamaRing(servers.map(([server, weight], slot) => new Peer(peerOptions(server, { weight }), slot)));
}

function word(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

test("each unit of weight gives 160 points, ascending and without repetition", () => {
  const { hashes, owners } = ringOf(["127.0.0.1:9000", 1], ["127.0.0.1:9001", 3]);
  assert.equal(hashes.length, 640);
  assert.equal(owners.filter((owner) => owner === 0).length, 160);
  for (let at = 1; at < hashes.length; at++) assert.ok(hashes[at - 1]! < hashes[at]!);
});

test("a point is the checksum of host, zero, port and the point before", () => {
  const cases: [string, string][] = [
    ["127.0.0.1:9000", "127.0.0.1\x009000"],
    ["backend.example.com", "backend.example.com\0"],
    ["[::1]:9000", "[::1]\x009000"],
    ["[::1]", "[::1]\0"],
    ["unix:/run/app.sock", "/run/app.sock\0"],
    ["UNIX:/run/app:1", "/run/app:1\0"],
    ["host:", "host\0"],
    ["host:http", "host:http\0"],
  ];
  for (const [server, hashed] of cases) {
    const { hashes } = ringOf([server, 1]);
    let point = 0;
    for (let at = 0; at < 160; at++) {
      point = crc32(Buffer.concat([Buffer.from(hashed, "latin1"), word(point)]));
      assert.ok(hashes.includes(point), `${server}, point ${at}`);
    }
  }
});

test("of thousands of points none is out of place, and two that are alike are the earlier server's", () => {
  const servers = Array.from({ length: 600 }, (_, i): [string, number] => [
    `10.0.${i >> 8}.${i & 255}:80`,
    1,
  ]);
  const owned = servers.flatMap(([server], owner) => {
    return [...ringOf([server, 1]).hashes].map((hash) => ({ hash, owner }));
  });
  owned.sort((one, other) => one.hash - other.hash || one.owner - other.owner);
  const expected = owned.filter(({ hash }, at) => at === 0 || owned[at - 1]!.hash !== hash);
  assert.ok(expected.length < owned.length);
  const { hashes, owners } = ringOf(...servers);
  assert.deepEqual(
    [...hashes],
    expected.map(({ hash }) => hash),
  );
  assert.deepEqual(
    [...owners],
    expected.map(({ owner }) => owner),
  );
});

test("addresses of one server share its points", () => {
  const { hashes, members } = ringOf(["a:1", 1], ["b:1", 1], ["a:1", 1]);
  assert.equal(hashes.length, 320);
  assert.deepEqual(members, [[0, 2], [1]]);
});

test("the place of a hash is that of the first point at or after it", () => {
  const ring = ringOf(["a:1", 1]);
  const { hashes } = ring;
  assert.equal(ringPlace(ring, 0), 0);
  assert.equal(ringPlace(ring, hashes[7]!), 7);
  assert.equal(ringPlace(ring, hashes[7]! + 1), 8);
  assert.equal(ringPlace(ring, 0xffffffff), hashes.length);
});
