// Does something every few seconds: not while nobody looks, less often while it fails, and never twice at a time.

const RETRY_MS = 20_000; // at the latest, what failed is tried again

/** Calls `task(signal)` now and then; it returns whether all was well. */
export class Pulse {
  #task;
  #period;
  #wait;
  #timer = null;
  #running = null;
  #paused = false;

  constructor(periodMs, task) {
    this.#period = this.#wait = periodMs;
    this.#task = task;
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden && this.#timer === null && !this.#running && !this.#paused) this.restart();
    });
  }

  get paused() {
    return this.#paused;
  }

  /** Begin anew at once; what was under way is given up. */
  async restart() {
    this.stop();
    const running = (this.#running = new AbortController());
    let good = false;
    try {
      good = await this.#task(running.signal);
    } catch (error) {
      if (error.name !== "AbortError") throw error;
    }
    if (this.#running !== running) return;
    this.#running = null;
    this.#wait = good ? this.#period : Math.min(RETRY_MS, this.#wait * 2);
    if (!this.#paused && !document.hidden) this.#timer = setTimeout(() => this.#beat(), this.#wait);
  }

  stop() {
    this.#running?.abort();
    this.#running = null;
    clearTimeout(this.#timer);
    this.#timer = null;
  }

  pause() {
    this.#paused = true;
    clearTimeout(this.#timer);
    this.#timer = null;
  }

  resume() {
    this.#paused = false;
    return this.restart();
  }

  #beat() {
    this.#timer = null;
    if (!document.hidden && !this.#paused) this.restart();
  }
}
