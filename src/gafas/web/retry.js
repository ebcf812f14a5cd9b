/** Wait out what passes: a server that is full, one that is away, a key that must be typed. */

import { ApiError, isAlive } from "./api.js";

const PROBE_MS = 2000;
const PATIENCE = 60;

/** Tells ("change") how the server is: `condition.state` is "well", "busy" or "offline". */
export const condition = Object.assign(new EventTarget(), { state: "well" });

let askForKey = async () => false;
let asking = null;
let away = null;
let wake = () => {};

/** Say how a person is asked for the API key: a function that returns whether one was given. */
export function onKeyWanted(ask) {
  askForKey = ask;
}

/** Look for the server at once. */
export function hurry() {
  wake();
}

/** Attempt until there is an answer, or an error that waiting does not mend. */
export async function patiently(attempt, signal) {
  for (let times = 1; ; times += 1) {
    signal?.throwIfAborted();
    try {
      const value = await attempt();
      tell("well");
      return value;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      // A photo that the server never gets to in time would be sent for ever.
      if (error.kind === "busy" && times >= PATIENCE) throw error;
      await waitOut(error, signal);
    }
  }
}

async function waitOut(error, signal) {
  if (error.kind === "busy") {
    tell("busy");
    await pause(error.wait * 1000 * (1 + Math.random() / 4), signal);
  } else if (error.kind === "offline") {
    away ??= untilAlive().finally(() => (away = null));
    await Promise.race([away, aborted(signal)]);
  } else if (error.kind === "key") {
    asking ??= askForKey().finally(() => (asking = null));
    if (!(await asking)) throw error;
  } else {
    throw error;
  }
}

async function untilAlive() {
  tell("offline");
  while (!(await isAlive())) {
    await new Promise((done) => {
      wake = done;
      setTimeout(done, PROBE_MS);
    });
  }
  tell("well");
}

function tell(state) {
  if (condition.state === state) return;
  condition.state = state;
  condition.dispatchEvent(new Event("change"));
}

function pause(milliseconds, signal) {
  const over = new Promise((done) => setTimeout(done, milliseconds));
  return Promise.race([over, aborted(signal)]);
}

function aborted(signal) {
  return new Promise((_, refuse) => {
    signal?.addEventListener("abort", () => refuse(signal.reason), { once: true });
  });
}
