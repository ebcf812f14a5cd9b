/** The question for the API key, where the server wants one. */

import { keepKey } from "./api.js";
import { onKeyWanted } from "./retry.js";

const dialog = document.querySelector("#key");
const field = dialog.querySelector("input");

/** Ask for a key, and return whether one was given. */
function ask() {
  field.value = "";
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((done) => {
    dialog.addEventListener("close", () => done(take()), { once: true });
  });
}

function take() {
  const given = dialog.returnValue === "given" && field.value !== "";
  if (given) keepKey(field.value);
  field.value = "";
  return given;
}

dialog.querySelector(".dismiss").addEventListener("click", () => dialog.close(""));
onKeyWanted(ask);
