import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { errorPage, reasonPhrase, wireStatus } from "./status.ts";

describe("statuses", () => {
  it("have nginx's reason phrases", () => {
    assert.equal(reasonPhrase(302), "Moved Temporarily");
    assert.equal(reasonPhrase(408), "Request Time-out");
    assert.equal(reasonPhrase(299), "");
  });

  it("of nginx's own are 400 on the wire", () => {
    assert.deepEqual([494, 495, 496, 497, 404].map(wireStatus), [400, 400, 400, 400, 404]);
  });

  it("have nginx's pages", () => {
    const page =
      "<html>\r\n<head><title>404 Not Found</title></head>\r\n<body>\r\n<center><h1>404 Not Found</h1></center>\r\n" +
      "<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n";
    assert.equal(errorPage(404, "nginx"), page);
    assert.match(errorPage(302, "x") ?? "", /<title>302 Found<\/title>/);
    assert.match(errorPage(494, "x") ?? "", /<title>400 Request Header Or Cookie Too Large<\/title>/);
    assert.match(errorPage(497, "x") ?? "", /<h1>400 Bad Request<\/h1>/);
    assert.deepEqual(
      [200, 204, 304, 418].map((status) => errorPage(status, "x")),
      [null, null, null, null],
    );
  });
});
