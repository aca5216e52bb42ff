import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { agreedExtensions, offerWithoutTakeover } from "./extensions.ts";

const both = "server_no_context_takeover; client_no_context_takeover";

describe("an offer of extensions for sockets that may move", () => {
  const offers: readonly (readonly [offer: string, sent: string])[] = [
    ["permessage-deflate", `permessage-deflate; ${both}`],
    ["permessage-deflate; client_max_window_bits", `permessage-deflate; client_max_window_bits; ${both}`],
    [`permessage-deflate;${both.replace(" ", "")}`, `permessage-deflate; ${both}`],
    [
      "permessage-deflate; client_no_context_takeover",
      "permessage-deflate; client_no_context_takeover; server_no_context_takeover",
    ],
    [
      'permessage-deflate; server_max_window_bits="10", permessage-deflate',
      `permessage-deflate; server_max_window_bits=10; ${both}, permessage-deflate; ${both}`,
    ],
    ["x-other; a=1, permessage-deflate", `x-other; a=1, permessage-deflate; ${both}`],
    ["x-other; a=1", "x-other; a=1"],
    ["x-other;a=1", "x-other;a=1"],
    ["", ""],
    [", ,", ", ,"],
    ["permessage-deflate; =", "permessage-deflate; ="],
    ["permessage-deflate; a=b c", "permessage-deflate; a=b c"],
    ["permessage deflate", "permessage deflate"],
    ["permessage-deflate;", "permessage-deflate;"],
    ['permessage-deflate; a="b, c"', 'permessage-deflate; a="b, c"'],
  ];
  for (const [offer, sent] of offers) {
    test(JSON.stringify(offer), () => {
      assert.equal(offerWithoutTakeover(offer), sent);
    });
  }
});

describe("what a server agrees to", () => {
  const answers: readonly (readonly [answer: string, value: string, movable: boolean])[] = [
    ["", "", true],
    [`permessage-deflate; ${both}`, `permessage-deflate; ${both}`, true],
    ["permessage-deflate; server_no_context_takeover", `permessage-deflate; ${both}`, true],
    ["permessage-deflate", "permessage-deflate", false],
    [
      "permessage-deflate; client_no_context_takeover",
      "permessage-deflate; client_no_context_takeover",
      false,
    ],
    ["x-other", "x-other", true],
    ["x-other; =", "x-other; =", false],
  ];
  for (const [answer, value, movable] of answers) {
    test(JSON.stringify(answer), () => {
      const agreed = agreedExtensions(answer);
      assert.deepEqual({ value: agreed.value, movable: agreed.movable }, { value, movable });
    });
  }

  test("is the same in whatever order it stands", () => {
    const one = agreedExtensions(`permessage-deflate; client_max_window_bits=12; ${both}`);
    const other = agreedExtensions(
      "permessage-deflate;server_no_context_takeover;client_no_context_takeover ; client_max_window_bits = 12",
    );
    assert.equal(one.canonical, other.canonical);
    const narrower = agreedExtensions(`permessage-deflate; client_max_window_bits=9; ${both}`);
    assert.notEqual(one.canonical, narrower.canonical);
  });
});
