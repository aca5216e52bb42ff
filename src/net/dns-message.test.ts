import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { encodeQuestion, readAnswers, readResponse, recordType } from "./dns-message.ts";
import type { DnsAnswers } from "./dns-message.ts";
import { encodeAnswer, encodeName, encodeService } from "./memory/name-answer.ts";
import type { AnswerRecord } from "./memory/name-answer.ts";

const question = encodeQuestion(0x1234, "a.test", recordType.a)!;

function read(bytes: Buffer): DnsAnswers | string {
  const response = readResponse(bytes, "UDP");
  return typeof response === "string" ? response : readAnswers(bytes, response);
}

function four(last: number): AnswerRecord {
  return { type: recordType.a, ttlSeconds: 7, data: Buffer.from([127, 0, 0, last]) };
}

test("a question as it goes out", () => {
  assert.equal(question.toString("hex"), "123401000001000000000000016104746573740000010001");
});

test("names that cannot be asked for", () => {
  const label = "x".repeat(63);
  const longest = `${label}.${label}.${label}.${"x".repeat(61)}`;
  assert.equal(longest.length, 253);
  for (const name of [label, longest]) assert.notEqual(encodeQuestion(1, name, recordType.a), null);
  for (const name of ["", ".", "a..b", ".a", `${label}x`, `${longest}x`])
    assert.equal(encodeQuestion(1, name, recordType.a), null, name);
});

test("addresses, services, aliases and the shortest time to live", () => {
  assert.deepEqual(read(encodeAnswer(question, [four(1), { ...four(2), ttlSeconds: 3 }])), {
    addresses: ["127.0.0.1", "127.0.0.2"],
    services: [],
    alias: null,
    ttlSeconds: 3,
  });
  const aliased = [
    { type: recordType.cname, ttlSeconds: 9, data: encodeName("B.Test") },
    { ...four(1), owner: "b.test" },
  ];
  assert.deepEqual(read(encodeAnswer(question, aliased)), {
    addresses: ["127.0.0.1"],
    services: [],
    alias: "b.test",
    ttlSeconds: 7,
  });
  const data = encodeService(1, 2, 3, "c.test");
  const services = encodeAnswer(encodeQuestion(1, "_a._tcp.b", recordType.srv)!, [
    { type: recordType.srv, ttlSeconds: 0x8000_0000, data },
  ]);
  assert.deepEqual(read(services), {
    addresses: [],
    services: [{ priority: 1, weight: 2, port: 3, target: "c.test" }],
    alias: null,
    ttlSeconds: 0,
  });
});

test("records that nobody asked for are passed over, wrong ones are not", () => {
  const text = { type: 16, ttlSeconds: 1, data: Buffer.from("\x02hi") };
  const moved = { type: recordType.dname, ttlSeconds: 1, data: encodeName("x") };
  assert.deepEqual((read(encodeAnswer(question, [text, moved, four(1)])) as DnsAnswers).addresses, [
    "127.0.0.1",
  ]);
  const six = { type: recordType.aaaa, ttlSeconds: 1, data: Buffer.alloc(16) };
  assert.equal(read(encodeAnswer(question, [six])), "unexpected AAAA record in DNS response");
  assert.equal(
    read(encodeAnswer(question, [{ ...four(1), data: Buffer.alloc(3) }])),
    "invalid A record in DNS response",
  );
});

test("what is no answer", () => {
  const answer = encodeAnswer(question, [four(1)]);
  const changed = (at: number, value: number): Buffer => {
    const bytes = Buffer.from(answer);
    bytes.writeUInt16BE(value, at);
    return bytes;
  };
  assert.equal(read(question), "invalid UDP DNS response 4660 fl:0100");
  assert.equal(read(changed(2, 0x8181)), "DNS error (1: Format error), query id:4660");
  assert.equal(read(changed(2, 0x8186)), "DNS error (6: Unknown error), query id:4660");
  assert.equal(read(changed(4, 2)), "invalid number of questions in DNS response");
  assert.equal(read(changed(question.length - 2, 3)), "unknown query class 3 in DNS response");
  for (let length = 0; length < answer.length; length++)
    assert.equal(typeof read(answer.subarray(0, length)), "string", `${length}`);
});

test("pointers that lead in circles or out of the message", () => {
  const alias = (data: Buffer): AnswerRecord => ({ type: recordType.cname, ttlSeconds: 1, data });
  const place = question.length + 12;
  const pointer = (to: number): Buffer => Buffer.from([0xc0 | (to >> 8), to & 0xff]);
  assert.equal(
    read(encodeAnswer(question, [alias(pointer(place))])),
    "compression pointers loop in DNS response",
  );
  assert.equal(read(encodeAnswer(question, [alias(pointer(0x3fff))])), "name is out of DNS response");
  const growing = Buffer.concat([Buffer.from([1, 0x61]), pointer(place)]);
  assert.equal(read(encodeAnswer(question, [alias(growing)])), "invalid name in DNS response");
});

test("the longest answers are read up to our limits", () => {
  const many = Array.from({ length: 4000 }, () => four(1));
  const answer = encodeAnswer(question, many);
  assert.ok(answer.length > 64_000);
  assert.equal((read(answer) as DnsAnswers).addresses.length, 1024);
  const data = encodeService(1, 1, 1, "c.test");
  const services = Array.from({ length: 2500 }, () => ({ type: recordType.srv, ttlSeconds: 1, data }));
  const all = read(encodeAnswer(encodeQuestion(1, "s.test", recordType.srv)!, services)) as DnsAnswers;
  assert.equal(all.services.length, 256);
});

test("no bytes at all do harm", () => {
  const whole = encodeAnswer(question, [
    four(1),
    { type: recordType.cname, ttlSeconds: 1, data: encodeName("b.c") },
  ]);
  const spoilt = fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(spoilt, (places) => {
      const bytes = Buffer.from(whole);
      for (const [at, value] of places) bytes[at] = value;
      read(bytes);
    }),
    { numRuns: 5000 },
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      read(Buffer.concat([Buffer.from([0x12, 0x34, 0x80, 0, 0, 1, 0xff, 0xff, 0, 0, 0, 0]), bytes]));
    }),
    { numRuns: 5000 },
  );
});
