import type { HttpBuild } from "../../gateway/build/http-build.ts";
import type { Request } from "../../gateway/request/request.ts";
import type { Location } from "../../gateway/serve/location.ts";

const silenceSeconds = 60;
/** Each location has one of these, and may share it: then one of them is told of a minute later. */
const placesMax = 1024;

/**
 * Tells of WebSocket handshakes that a location passes on as ordinary requests, as nginx does without the three
 * lines of its recipe: once a minute for each location, among all threads.
 */
export class SwallowedHandshakes {
  private readonly location: Location;
  /** When each place was last told of, in seconds of the clock. */
  private readonly toldSeconds: Int32Array;
  private readonly place: number;

  constructor(location: Location, build: HttpBuild) {
    this.location = location;
    const bytes = placesMax * Int32Array.BYTES_PER_ELEMENT;
    this.toldSeconds = new Int32Array(build.shared.region("swallowed handshakes", bytes));
    this.place = placeOf(`${location.file}:${location.line} ${location.name}`);
  }

  /** A handshake has gone on without its Upgrade. */
  tell(request: Request): void {
    const { toldSeconds, place, location } = this;
    const now = Math.floor(request.client.gateway.network.clock.wall() / 1000);
    const told = Atomics.load(toldSeconds, place);
    if (told !== 0 && Math.abs(now - told) < silenceSeconds) return;
    if (Atomics.compareExchange(toldSeconds, place, told, now) !== told) return;
    const where = location.kind === "if" ? '"if"' : `location "${location.name}"`;
    request.log(
      "warn",
      `WebSocket handshake passed on without "Upgrade" by ${where} at ${location.file}:${location.line}, ` +
        `so no server can accept it; "websocket on;" there passes it on as a handshake`,
    );
  }
}

function placeOf(text: string): number {
  let hash = 0;
  for (let index = 0; index < text.length; index++) hash = (hash * 31 + text.charCodeAt(index)) | 0;
  return (hash >>> 0) % placesMax;
}
