/** @grpc/grpc-js as far as tests use it, and calls whose messages are plain text. */
import { createRequire } from "node:module";

/** Fields of a call. */
export interface Metadata {
  add(name: string, value: string): void;
  get(name: string): readonly unknown[];
}

/** What a call comes to when it is not OK. */
export interface CallError extends Error {
  readonly code: number;
  readonly details: string;
  readonly metadata: Metadata;
}

/** A server's side of a call. */
export interface ServerCall {
  readonly request: string;
  readonly metadata: Metadata;
  readonly cancelled: boolean;
  sendMetadata(metadata: Metadata): void;
  write(message: string): boolean;
  end(trailers?: Metadata): void;
  on(event: "data", listener: (message: string) => void): void;
  on(event: "end" | "cancelled" | "drain", listener: () => void): void;
  emit(event: "error", error: object): void;
}

/** How a handler answers a unary call. */
export type Answer = (error: object | null, message?: string, trailers?: Metadata) => void;

/** A client's side of a call. */
export interface ClientCall {
  cancel(): void;
  write(message: string): boolean;
  end(): void;
  on(event: "data", listener: (message: string) => void): void;
  on(event: "end" | "drain", listener: () => void): void;
  on(event: "error", listener: (error: CallError) => void): void;
  on(event: "status", listener: (status: CallError) => void): void;
  on(event: "metadata", listener: (metadata: Metadata) => void): void;
}

export type Callback = (error: CallError | null, message?: string) => void;

/** A client of the service below. */
export interface TestClient {
  unary(message: string, metadata: Metadata, options: object, callback: Callback): ClientCall;
  split(message: string): ClientCall;
  join(callback: Callback): ClientCall;
  echo(): ClientCall;
  close(): void;
}

interface Credentials {
  readonly _: unique symbol;
}

interface GrpcServer {
  addService(service: object, handlers: object): void;
  bindAsync(
    address: string,
    credentials: Credentials,
    done: (error: Error | null, port: number) => void,
  ): void;
  forceShutdown(): void;
}

interface GrpcModule {
  readonly Metadata: new () => Metadata;
  readonly Server: new (options?: object) => GrpcServer;
  readonly credentials: {
    createInsecure(): Credentials;
    createSsl(roots: Buffer): Credentials;
  };
  readonly ServerCredentials: {
    createInsecure(): Credentials;
    createSsl(roots: null, pairs: readonly { private_key: Buffer; cert_chain: Buffer }[]): Credentials;
  };
  makeGenericClientConstructor(
    service: object,
    name: string,
  ): new (address: string, credentials: Credentials, options?: object) => TestClient;
}

const require = createRequire(import.meta.url);
export const grpc = require("@grpc/grpc-js") as GrpcModule;

const bytesOf = (text: string): Buffer => Buffer.from(text, "latin1");
const textOf = (bytes: Buffer): string => bytes.toString("latin1");

function method(name: string, requestStream: boolean, responseStream: boolean): object {
  return {
    path: `/test.Echo/${name}`,
    requestStream,
    responseStream,
    requestSerialize: bytesOf,
    requestDeserialize: textOf,
    responseSerialize: bytesOf,
    responseDeserialize: textOf,
  };
}

const service = {
  unary: method("Unary", false, false),
  split: method("Split", false, true),
  join: method("Join", true, false),
  echo: method("Echo", true, true),
};

/** What the server's `unary` does: answers, fails, or keeps silent. */
export interface TestServerOptions {
  unary(call: ServerCall, answer: Answer): void;
  /** For TLS. */
  readonly pair?: { readonly chain: string; readonly key: string };
}

/** A server on a port of its own: `split` answers with each letter, `join` with all messages as one, `echo` each. */
export async function startGrpcServer(options: TestServerOptions): Promise<{ port: number; stop(): void }> {
  const server = new grpc.Server();
  server.addService(service, {
    unary: (call: ServerCall, answer: Answer) => options.unary(call, answer),
    split(call: ServerCall) {
      for (const letter of call.request) call.write(letter);
      call.end();
    },
    join(call: ServerCall, answer: Answer) {
      let all = "";
      call.on("data", (message) => (all += message));
      call.on("end", () => answer(null, all));
    },
    echo(call: ServerCall) {
      call.sendMetadata(new grpc.Metadata());
      call.on("data", (message) => void call.write(message));
      call.on("end", () => call.end());
    },
  });
  const { pair } = options;
  const credentials =
    pair === undefined
      ? grpc.ServerCredentials.createInsecure()
      : grpc.ServerCredentials.createSsl(null, [
          { private_key: Buffer.from(pair.key), cert_chain: Buffer.from(pair.chain) },
        ]);
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", credentials, (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  return { port, stop: () => server.forceShutdown() };
}

/** A client of a gateway. `roots`: PEM, for TLS. */
export function grpcClient(port: number, roots?: string): TestClient {
  const Client = grpc.makeGenericClientConstructor(service, "Echo");
  const { credentials } = grpc;
  const how = roots === undefined ? credentials.createInsecure() : credentials.createSsl(Buffer.from(roots));
  return new Client(`localhost:${port}`, how);
}

/** The outcome of a unary call. */
export function unary(
  client: TestClient,
  message: string,
  fields: Readonly<Record<string, string>> = {},
  options: object = {},
): Promise<string | CallError> {
  const metadata = new grpc.Metadata();
  for (const [name, value] of Object.entries(fields)) metadata.add(name, value);
  return new Promise((resolve) => {
    client.unary(message, metadata, options, (error, answer) => resolve(error ?? answer!));
  });
}
