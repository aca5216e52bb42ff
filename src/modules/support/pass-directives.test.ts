import assert from "node:assert/strict";
import { test } from "node:test";
import type { Scope } from "../../config/scope.ts";
import type { HttpModule } from "../../gateway/build/http-module.ts";
import { NextUpstream } from "../../gateway/failure/next-upstream.ts";
import { Simulation, stillWeather } from "../../gateway/simulation.fixture.ts";
import {
  connectionDirectives,
  finishPass,
  interceptErrorsDirective,
  nextUpstreamDirectives,
  passDefaults,
  requestDirectives,
} from "./pass-directives.ts";
import type { PassSettings } from "./pass-directives.ts";
import { finishPassTls, passTlsDefaults, passTlsDirectives } from "./pass-tls.ts";
import type { PassTlsSettings } from "./pass-tls.ts";

interface ToySettings extends PassSettings, PassTlsSettings {}

const levelOf = (scope: Scope): Partial<ToySettings> => scope.location(toy);
const merged = new Map<string, ToySettings>();

/** A protocol with directives of its own name, whose servers are all spoken to by TLS. */
const toy: HttpModule<object, object, ToySettings> = {
  name: "toy",
  directives: [
    ...connectionDirectives("toy_", levelOf),
    ...requestDirectives("toy_", levelOf),
    ...nextUpstreamDirectives("toy_", levelOf, { error: NextUpstream.error, off: NextUpstream.off }),
    interceptErrorsDirective("toy_", levelOf),
    ...passTlsDirectives("toy_", levelOf),
  ],
  location: {
    defaults: () => ({ ...passDefaults(), ...passTlsDefaults() }),
    finish(settings, scope) {
      finishPass(settings);
      finishPassTls(settings, scope, "toy_", true);
    },
  },
  attach(location, settings) {
    merged.set(location.name, settings);
  },
};

function start(directives: string): Promise<Simulation> {
  const http = `server { listen 10.0.0.1:80; ${directives} }`;
  return Simulation.start({ http, weather: stillWeather, modules: [toy] });
}

test("a protocol has the directives under its own name", async () => {
  const simulation = await start(`
    toy_read_timeout 5s; toy_buffer_size 8k; toy_next_upstream error off; toy_intercept_errors on;
    location /inner { toy_read_timeout 7s; toy_request_buffering off; toy_bind 10.0.0.7; }`);
  const { readTimeoutMs, sendTimeoutMs, bufferSize, nextUpstream, ...rest } = merged.get("/inner")!;
  assert.deepEqual([readTimeoutMs, sendTimeoutMs, bufferSize], [7_000, 60_000, 8_192]);
  assert.equal(nextUpstream, NextUpstream.off);
  assert.deepEqual([rest.interceptErrors, rest.requestBuffering, rest.bind?.text], [true, false, "10.0.0.7"]);
  assert.notEqual(rest.tlsContext, null);
  await simulation.finish();
});

for (const [directives, complaint] of [
  ["toy_read_timeout 1s; toy_read_timeout 2s;", '"toy_read_timeout" directive is duplicate'],
  ["toy_next_upstream timeout;", 'invalid value "timeout"'],
  ["toy_bind here;", 'invalid address "here"'],
  ["toy_bind 10.0.0.7 transparent;", 'the "transparent" parameter of the "toy_bind" directive is not'],
  ["toy_ssl_verify on;", "no toy_ssl_trusted_certificate for toy_ssl_verify"],
  ["toy_ssl_certificate a.pem;", 'no "toy_ssl_certificate_key" is defined for certificate "a.pem"'],
] as const) {
  test(`${directives} is refused by that name`, async () => {
    await assert.rejects(start(directives), (error: Error) => error.message.startsWith(complaint));
  });
}
