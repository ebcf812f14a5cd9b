/** The page of the model card: what the server says about its model, made readable. */

import { readModel } from "./api.js";
import "./key.js";
import { getLanguage, say, startLanguage } from "./language.js";
import { renderMarkdown } from "./markdown.js";
import { patiently } from "./patience.js";

const place = document.querySelector(".text");

async function start() {
  await startLanguage();
  document.title = `gafas: ${say("card.title")}`;
  document.querySelector(".other").hidden = getLanguage() === "en";
  document.documentElement.classList.add("ready");
  try {
    const { card } = await patiently(() => readModel());
    const blocks = renderMarkdown(card);
    // The page has a title of the first rank already.
    place.replaceChildren(...(blocks[0]?.tagName === "H1" ? blocks.slice(1) : blocks));
  } catch (error) {
    place.textContent = say("card.failed", { why: error.detail ?? "" });
  }
}

start();
