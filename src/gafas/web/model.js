/** The page of the model card, which ships as HTML; of another model its facts are told. */

import { make } from "./drawing.js";
import { readModel, readModelCard } from "./engine.js";
import "./key.js";
import { explainProblem, getLanguage, nameLabel, say, startLanguage } from "./language.js";
import { patiently } from "./retry.js";

const place = document.querySelector(".text");

/** Say what is known of a model that brings no card. */
function describe({ version, labels, threshold, sha256, recipe }) {
  const facts = { version, labels: labels.map(nameLabel).join(", "), threshold, recipe, sha256 };
  const rows = Object.entries(facts).flatMap(([name, fact]) => {
    return [make("dt", { text: say(`fact.${name}`) }), make("dd", { text: `${fact ?? "–"}` })];
  });
  return [make("p", { text: say("card.none") }), make("dl", { holds: rows })];
}

async function readCard() {
  const html = await patiently(() => readModelCard());
  return new DOMParser().parseFromString(html, "text/html").body.childNodes;
}

async function start() {
  await startLanguage();
  document.title = `gafas: ${say("card.title")}`;
  document.documentElement.classList.add("ready");
  try {
    const model = await patiently(() => readModel());
    document.querySelector(".other").hidden = getLanguage() === "en" || !model.card;
    place.replaceChildren(...(model.card ? await readCard() : describe(model)));
  } catch (error) {
    place.textContent = say("card.failed", { why: explainProblem(error) });
  }
}

start();
