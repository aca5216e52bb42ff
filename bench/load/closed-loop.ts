/**
 * A closed loop: everyone who takes part starts its next unit of work when the last one is done, until
 * time is up; then the loop waits until nobody has work under way.
 */
export class ClosedLoop {
  #units = 0;
  #underWay = 0;
  #running = false;
  #settled: () => void = () => {};

  /** Runs for `seconds` and tells how many units were done; 0 seconds: one unit each. `start` makes everybody begin. */
  async run(seconds: number, members: number, start: () => void): Promise<number> {
    this.#units = 0;
    this.#underWay = members;
    this.#running = seconds > 0;
    const settled = new Promise<void>((resolve) => {
      this.#settled = resolve;
    });
    const timer = setTimeout(() => {
      this.#running = false;
    }, seconds * 1000);
    start();
    await settled;
    clearTimeout(timer);
    return this.#units;
  }

  /** A member's unit is done. True: it shall start the next one. */
  done(): boolean {
    this.#units += 1;
    if (this.#running) return true;
    this.#underWay -= 1;
    if (this.#underWay === 0) this.#settled();
    return false;
  }
}
