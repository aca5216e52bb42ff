import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { certificateFiles } from "./support/certificate.ts";
import { products, startGateway } from "./support/gateway.ts";
import type { Gateway, Product } from "./support/gateway.ts";
import { grpc, grpcClient, startGrpcServer, unary } from "./support/grpc.ts";
import type { Answer, CallError, ServerCall, TestClient } from "./support/grpc.ts";
import { freePorts } from "./support/ports.ts";

const statusDeadline = 4;
const statusUnavailable = 14;
const statusCancelled = 1;

/** What the gateway is asked by, and what it asks the server by. */
const ways = {
  "in the clear": { client: "plain", server: "grpc" },
  "by TLS": { client: "tls", server: "grpcs" },
} as const;

function config(ports: Record<string, number>): string {
  return `
    events {}
    http {
      access_log off;
      client_max_body_size 0;
      ssl_certificate PREFIX/certificate.pem;
      ssl_certificate_key PREFIX/certificate.key;
      upstream calls { server 127.0.0.1:${ports["grpc"]}; keepalive 8; }
      upstream secure { server 127.0.0.1:${ports["grpcs"]}; keepalive 8; }
      server {
        listen 127.0.0.1:${ports["plain"]} http2;
        location / { grpc_pass grpc://calls; }
      }
      server {
        listen 127.0.0.1:${ports["tls"]} ssl http2;
        location / {
          grpc_pass grpcs://secure;
          grpc_ssl_verify on;
          grpc_ssl_name localhost;
          grpc_ssl_trusted_certificate PREFIX/certificate.pem;
        }
      }
      server {
        listen 127.0.0.1:${ports["refused"]} http2;
        location / { grpc_pass 127.0.0.1:1; error_page 502 = @unavailable; }
        location @unavailable {
          default_type application/grpc;
          add_header grpc-status 14;
          add_header grpc-message "server is away";
          return 204;
        }
      }
    }`;
}

// nginx cannot speak to a server of grpc-js on Bun: Bun's node:http2 breaks off its connections.
const tested = products().filter(({ name }) => name === "longhaul" || process.versions.bun === undefined);
for (const product of tested) describe(`gRPC through ${product.name}`, () => suite(product));

function suite(product: Product): void {
  let gateway: Gateway;
  let roots = "";
  const ports: Record<string, number> = {};
  const stops: (() => void)[] = [];
  const held: ServerCall[] = [];

  before(async () => {
    const files = await certificateFiles();
    roots = files["certificate.pem"]!;
    const act = (call: ServerCall, answer: Answer) => {
      if (call.request === "hold") return void held.push(call);
      if (call.request === "fail") return answer({ code: 5, details: "no such thing" });
      const trailers = new grpc.Metadata();
      trailers.add("x-trailer", String(call.metadata.get("x-field")[0]));
      return answer(null, `${call.request}!`, trailers);
    };
    const pair = { chain: roots, key: files["certificate.key"]! };
    const clear = await startGrpcServer({ unary: act });
    const secure = await startGrpcServer({ unary: act, pair });
    stops.push(
      () => clear.stop(),
      () => secure.stop(),
    );
    const [plain, tls, refused] = await freePorts(3);
    Object.assign(ports, { grpc: clear.port, grpcs: secure.port, plain, tls, refused });
    gateway = await startGateway(product, { config: config(ports), port: ports["plain"]!, files });
  });

  after(async () => {
    for (const stop of stops) stop();
    await gateway.stop();
  });

  for (const [way, { client: side }] of Object.entries(ways)) {
    describe(way, () => {
      let client: TestClient;
      before(() => (client = grpcClient(ports[side]!, side === "tls" ? roots : undefined)));
      after(() => client.close());

      test("unary calls have fields and trailers, and fail with the server's status", async () => {
        let trailer: unknown;
        const answer = await new Promise<string | CallError>((resolve) => {
          const metadata = new grpc.Metadata();
          metadata.add("x-field", "seen");
          const call = client.unary("hello", metadata, {}, (error, message) => resolve(error ?? message!));
          call.on("status", ({ metadata: trailers }) => (trailer = trailers.get("x-trailer")[0]));
        });
        assert.equal(answer, "hello!");
        assert.equal(trailer, "seen");
        const failed = (await unary(client, "fail")) as CallError;
        assert.equal(failed.code, 5);
        assert.equal(failed.details, "no such thing");
      });

      test("many at a time", async () => {
        const calls = Array.from({ length: 50 }, (_, index) => unary(client, `call ${index}`));
        const answers = await Promise.all(calls);
        assert.deepEqual(
          answers,
          calls.map((_, index) => `call ${index}!`),
        );
      });

      test("a large message each way", async () => {
        const text = "0123456789abcdef".repeat(100_000);
        const answer = await unary(client, text);
        assert.ok(answer === `${text}!`, String(answer).slice(0, 100));
      });

      test("server streaming", async () => {
        const letters: string[] = [];
        const call = client.split("abcdef");
        call.on("data", (message) => void letters.push(message));
        await new Promise<void>((resolve) => call.on("end", resolve));
        assert.equal(letters.join(" "), "a b c d e f");
      });

      test("client streaming", async () => {
        const answer = new Promise<string | undefined>((resolve, reject) => {
          const call = client.join((error, message) => (error === null ? resolve(message) : reject(error)));
          for (const word of ["one ", "two ", "three"]) call.write(word);
          call.end();
        });
        assert.equal(await answer, "one two three");
      });

      test("both sides stream, in turns", async () => {
        const call = client.echo();
        let next: (message: string) => void = () => {};
        call.on("data", (message) => next(message));
        for (const message of ["ping", "pong", "x".repeat(100_000), "last"]) {
          const answer = new Promise<string>((resolve) => (next = resolve));
          call.write(message);
          assert.equal(await answer, message);
        }
        const ended = new Promise<void>((resolve) => call.on("end", resolve));
        call.end();
        await ended;
      });

      test("a deadline that passes, and a call that is cancelled, end at the server, too", async () => {
        const began = held.length;
        const late = unary(client, "hold", {}, { deadline: Date.now() + 500 });
        await until(() => held.length > began);
        const lateCall = held[began]!;
        const lateEnd = new Promise<void>((resolve) => lateCall.on("cancelled", resolve));
        assert.equal(((await late) as CallError).code, statusDeadline);
        if (!lateCall.cancelled) await lateEnd;

        let call: ReturnType<TestClient["unary"]>;
        const cancelled = new Promise<CallError | null>((resolve) => {
          call = client.unary("hold", new grpc.Metadata(), {}, (error) => resolve(error));
        });
        await until(() => held.length > began + 1);
        const ended = new Promise<void>((resolve) => held[began + 1]!.on("cancelled", resolve));
        call!.cancel();
        assert.equal((await cancelled)?.code, statusCancelled);
        if (!held[began + 1]!.cancelled) await ended;
      });
    });
  }

  test("a server that is away gives the status that an error page says", async () => {
    const client = grpcClient(ports["refused"]!);
    const error = (await unary(client, "hello")) as CallError;
    assert.equal(error.code, statusUnavailable);
    assert.equal(error.details, "server is away");
    client.close();
  });
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5));
}
