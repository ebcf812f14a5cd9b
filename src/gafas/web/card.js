/** The page of the model card: what the server says about its model, made readable. */

import { readModel } from "./api.js";
import "./key.js";
import { getLanguage, nameLabel, say, startLanguage } from "./language.js";
import { renderMarkdown } from "./markdown.js";
import { patiently } from "./patience.js";
import { tell } from "./problems.js";

const place = document.querySelector(".text");

/** Say what is known of a model that brings no card. */
function describe({ version, labels, threshold, sha256, recipe }) {
  const facts = { version, labels: labels.map(nameLabel).join(", "), threshold, recipe, sha256 };
  const rows = Object.entries(facts).map(([name, fact]) => {
    return `| ${say(`fact.${name}`)} | ${fact ?? "–"} |`;
  });
  return [say("card.none"), ["| | |", "| --- | --- |", ...rows].join("\n")].join("\n\n");
}

async function start() {
  await startLanguage();
  document.title = `gafas: ${say("card.title")}`;
  document.querySelector(".other").hidden = getLanguage() === "en";
  document.documentElement.classList.add("ready");
  try {
    const model = await patiently(() => readModel());
    const blocks = renderMarkdown(model.card ?? describe(model));
    // The page has a title of the first rank already.
    place.replaceChildren(...(blocks[0]?.tagName === "H1" ? blocks.slice(1) : blocks));
  } catch (error) {
    place.textContent = say("card.failed", { why: tell(error) });
  }
}

start();
