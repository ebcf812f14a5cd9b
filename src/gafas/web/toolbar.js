/** The bar above the grid: progress, filters with counts, downloads, and the live region. */

import { make } from "./drawing.js";
import { toCsv, toJson } from "./downloads.js";
import { count, nameLabel, say } from "./language.js";
import { collectTexts, countKinds } from "./photos.js";

const SPOKEN_MS = 5000;

const find = (name) => document.querySelector(name);
const filters = find(".filters");

let spoken = 0;
let wasBusy = false;

/** Say something to those who listen to the page. */
export function announce(sentence) {
  find("#live").textContent = sentence;
}

/** Return the filter that is chosen: "all", a label, "unsure", "no-face" or "error". */
export function getFilter() {
  return filters.querySelector("input:checked")?.value ?? "all";
}

/** Show how far the work is, and how many photos each filter has. */
export function showCounts(photos, labels) {
  const open = photos.filter((photo) => ["waiting", "working"].includes(photo.state)).length;
  const done = photos.length - open;
  const stopped = photos.filter((photo) => photo.state === "cancelled").length;
  find(".tools").hidden = !photos.length;
  find("progress").value = photos.length ? done / photos.length : 0;
  find(".running").hidden = !open;
  find(".progress-text").textContent = say("progress", { done, of: photos.length });
  find(".resume").hidden = !stopped;
  find(".resume").textContent = count("resume", stopped);
  showSummary(photos, open);
  showFilters(photos, labels);
  speak(photos, done, open);
}

/** Let the buttons work; `page` holds what they call. */
export function watchToolbar({ list, labels, cancel, proceed, clear, refresh }) {
  filters.addEventListener("change", () => refresh());
  find(".cancel").addEventListener("click", cancel);
  find(".clear").addEventListener("click", clear);
  find(".resume").addEventListener("click", () => {
    proceed(list().filter((photo) => photo.state === "cancelled"));
  });
  find(".csv").addEventListener("click", () => {
    save("gafas.csv", "text/csv", toCsv(collectTexts(list()), labels()));
  });
  find(".json").addEventListener("click", () => {
    save("gafas.json", "application/json", toJson(collectTexts(list())));
  });
}

function showSummary(photos, open) {
  const texts = collectTexts(photos).length;
  const faces = photos.reduce((sum, photo) => sum + (photo.answer?.faces.length ?? 0), 0);
  find(".summary").textContent = `${count("photos", photos.length)} · ${count("faces", faces)}`;
  for (const name of [".csv", ".json"]) find(name).disabled = !texts;
  const left = photos.length - texts;
  find(".left-out").textContent = left && !open ? count("left-out", left) : "";
}

function showFilters(photos, labels) {
  const counts = countKinds(photos);
  const kinds = ["all", ...[...labels].reverse(), "unsure", "no-face", "error"];
  const shown = [...filters.querySelectorAll("input")].map((input) => input.value);
  if (shown.join() !== kinds.join()) filters.replaceChildren(...kinds.map(makeFilter));
  for (const kind of kinds) {
    const chip = filters.querySelector(`[value="${CSS.escape(kind)}"]`).parentElement;
    const number = kind === "all" ? photos.length : (counts.get(kind) ?? 0);
    chip.querySelector(".word").textContent = nameFilter(kind);
    chip.querySelector(".number").textContent = number;
    chip.classList.toggle("empty", !number);
  }
}

function makeFilter(kind) {
  const input = make("input");
  Object.assign(input, { type: "radio", name: "filter", value: kind, checked: kind === "all" });
  const word = make("span", { kind: "word" });
  return make("label", { kind: "chip", holds: [input, word, make("span", { kind: "number" })] });
}

function nameFilter(kind) {
  return ["all", "no-face", "error"].includes(kind) ? say(`filter.${kind}`) : nameLabel(kind);
}

function speak(photos, done, open) {
  const now = performance.now();
  if (open && now - spoken > SPOKEN_MS) {
    spoken = now;
    announce(say("progress", { done, of: photos.length }));
  }
  const finished = wasBusy && !open && photos.some((photo) => photo.state !== "cancelled");
  if (finished) announce(say("live.done", { what: find(".summary").textContent }));
  wasBusy = open > 0;
}

/** Let the person keep a text as a file. */
export function save(name, type, text) {
  const link = make("a");
  link.href = URL.createObjectURL(new Blob([text], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
