/** A few pieces of work at a time; the rest waits its turn, and all of it can be called off. */

export class Queue {
  #waiting = [];
  #running = 0;
  #off = new AbortController();
  #width;
  #work;

  /** `work(item, signal)` is called for each item, at most `width` at a time; it must not throw. */
  constructor(width, work) {
    this.#width = width;
    this.#work = work;
  }

  /** Queue items. */
  add(items) {
    this.#waiting.push(...items);
    while (this.#running < this.#width && this.#waiting.length) this.#run(this.#off.signal);
  }

  /** Forget what waits and abort what runs. */
  cancel() {
    this.#waiting = [];
    this.#off.abort();
    this.#off = new AbortController();
    this.#running = 0;
  }

  async #run(signal) {
    this.#running += 1;
    while (this.#waiting.length && !signal.aborted) await this.#work(this.#waiting.shift(), signal);
    if (!signal.aborted) this.#running -= 1;
  }
}
