/** The notice above everything: a server that is full or away, models that are on their way. */

import { say, short } from "./language.js";
import { condition, hurry } from "./retry.js";

const BUSY_MS = 1500;

const notice = document.querySelector("#notice");
const find = (name) => notice.querySelector(name);

let noticing = 0;

/** Show how the server is, in the page's language. */
export function showCondition() {
  const { state } = condition;
  notice.dataset.state = state;
  find("p").textContent = state === "well" ? "" : say(`notice.${state}`);
  find("button").hidden = state !== "offline";
}

/** Show how many bytes of the models have come. */
export function showLoading(bytes) {
  notice.dataset.state = "loading";
  find("p").textContent = say("notice.loading", { megabytes: short(bytes / 1e6) });
}

condition.addEventListener("change", () => {
  clearTimeout(noticing);
  // A server that is full for a moment is no news.
  if (condition.state === "busy") noticing = setTimeout(showCondition, BUSY_MS);
  else showCondition();
});
find("button").addEventListener("click", hurry);
