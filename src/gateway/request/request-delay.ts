import type { Timer } from "../../net/clock.ts";
import type { ClientWatcher } from "./holders.ts";
import type { Request } from "./request.ts";

/** Calls `then` in `delayMs`, unless the request has ended. A client that gives up ends it: see ngx_http_test_reading. */
export function delayRequest(request: Request, delayMs: number, then: () => void): void {
  request.watch(new RequestDelay(request, delayMs, then));
}

class RequestDelay implements ClientWatcher {
  private readonly request: Request;
  private readonly timer: Timer;

  constructor(request: Request, delayMs: number, then: () => void) {
    this.request = request;
    this.timer = request.client.gateway.network.clock.timer(delayMs, () => {
      request.unwatch(this);
      then();
    });
  }

  onClientGone(): void {
    const { request } = this;
    this.timer.cancel();
    request.unwatch(this);
    request.log("info", "client prematurely closed connection");
    request.response.fail(499);
  }

  onRequestEnd(): void {
    this.timer.cancel();
  }
}
