/** The page without a network: its service worker, and the word that a newer version is there. */

import { make } from "./drawing.js";
import { say } from "./language.js";

const bar = make("div", { kind: "update" });
let newer = null;

/** Keep the page for times without a network, and offer each newer version of it. */
export async function stayOffline() {
  if (!("serviceWorker" in navigator)) return;
  const script = new URL("./sw.js", import.meta.url);
  const options = { updateViaCache: "none" }; // the list of files tells a newer version
  const registration = await navigator.serviceWorker.register(script, options);
  offer(registration.waiting);
  registration.addEventListener("updatefound", () => {
    const coming = registration.installing;
    coming.addEventListener("statechange", () => {
      if (coming.state === "installed") offer(coming);
    });
  });
}

/** Say it in another language. */
export function refreshOffer() {
  if (!newer) return;
  const use = make("button", { kind: "quiet", text: say("update.use") });
  use.type = "button";
  use.addEventListener("click", () => newer.postMessage("use"));
  bar.setAttribute("role", "status");
  bar.replaceChildren(make("p", { text: say("update.text") }), use);
  document.querySelector("main").prepend(bar);
}

function offer(worker) {
  const { controller } = navigator.serviceWorker;
  if (!worker || !controller) return; // the first visit is no update
  newer = worker;
  navigator.serviceWorker.addEventListener("controllerchange", () => location.reload());
  refreshOffer();
}
