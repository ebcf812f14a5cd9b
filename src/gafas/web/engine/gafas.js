/** gafas in the browser alone: who in a photo wears sunglasses, eyeglasses or none. */

//     import { recognize } from "./gafas.js";
//     const { faces } = await recognize(blob);
//
// Everything is fetched from beside this module, at the first call or by `load`; the work is done
// in a thread of its own, and no photo leaves the computer. `gafas.d.ts` says what there is.

import { PhotoError } from "./problems.js";

export { PhotoError };

let worker = null;
let next = 0;
let hear = () => {};
const waiting = new Map();

/** Recognize a photo, or what an element shows, and return what every door of gafas gives. */
export async function recognize(source, options = {}) {
  return JSON.parse(await recognizeAsText(source, options));
}

/** Recognize as `recognize` does, and return the JSON text, written as Python writes it. */
export async function recognizeAsText(source, { name, largest = false, signal } = {}) {
  const called = name ?? source.name ?? "photo";
  const wish = { name: called, largest };
  if (source instanceof Blob) return ask("recognize", { ...wish, blob: source }, { signal });
  const shown = await createImageBitmap(source);
  return ask("recognize", { ...wish, shown }, { signal, hands: [shown] });
}

/**
 * Load the models, and return what the one of eyewear says of itself. `onProgress` hears how many
 * bytes have come; `threads` is for the first call.
 */
export function load({ onProgress = () => {}, threads } = {}) {
  hear = onProgress;
  return ask("describe", { threads });
}

/** Free what the models hold; the next call loads them again. */
export function close() {
  worker?.terminate();
  worker = null;
  refuseAll(new DOMException("The recognizer was closed.", "AbortError"));
}

function ask(action, wish, { signal, hands = [] } = {}) {
  signal?.throwIfAborted();
  worker ??= start();
  const id = next++;
  const answered = new Promise((done, refuse) => waiting.set(id, { done, refuse }));
  worker.postMessage({ id, action, ...wish }, hands);
  signal?.addEventListener("abort", () => {
    const asked = waiting.get(id);
    if (!asked) return;
    waiting.delete(id);
    worker?.postMessage({ id, action: "give-up" });
    asked.refuse(signal.reason);
  }, { once: true });
  return answered;
}

function start() {
  const started = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
  started.addEventListener("message", ({ data }) => take(data));
  started.addEventListener("error", (event) => {
    if (worker === started) worker = null;
    started.terminate();
    refuseAll(new Error(event.message || "The recognizer could not be started."));
  });
  return started;
}

function take({ id, value, problem, loaded }) {
  if (loaded !== undefined) hear(loaded);
  const asked = waiting.get(id);
  if (!asked) return;
  waiting.delete(id);
  if (problem) asked.refuse(restore(problem));
  else asked.done(value);
}

function restore({ name, message, reason, limit }) {
  return name === "PhotoError" ? new PhotoError(message, { reason, limit }) : new Error(message);
}

function refuseAll(error) {
  for (const { refuse } of waiting.values()) refuse(error);
  waiting.clear();
}
