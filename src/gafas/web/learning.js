/** Learning from corrections: what a person says of faces, what was learnt, and the new file. */

import { best, make } from "./drawing.js";
import { adapt, seeFaces } from "./engine.js";
import { count, explainProblem, getLanguage, nameLabel, portion, say } from "./language.js";
import { patiently } from "./retry.js";
import { announce } from "./toolbar.js";

const LEAST = 6; // faces of each label, without which the server refuses
const FILE = "own-labels.onnx";

const find = (name) => document.querySelector(name);
const panel = find("#learning");

let page = { list: () => [], labels: () => [] };
let teaching = false;
let stop = null;
let told = null; // what was learnt last

/** Let answers be corrected; `page` says which photos there are, and the model's labels. */
export function offerLearning(given) {
  page = given;
  const toggle = find(".correct");
  toggle.hidden = false;
  toggle.addEventListener("click", () => {
    teaching = !teaching;
    toggle.setAttribute("aria-pressed", teaching);
    panel.hidden = !teaching;
    page.list().forEach(showTeaching);
    refreshLearning();
  });
  panel.querySelector(".confirm").addEventListener("change", refreshLearning);
  panel.querySelector(".learn").addEventListener("click", () => (stop ? stop.abort() : learn()));
}

/** Show below a photo's answers where each is corrected, unless that stands there already. */
export function showTeaching(photo) {
  const place = photo.card.querySelector(".teach");
  const faces = teaching ? (photo.answer?.faces ?? []) : [];
  const state = faces.length ? photo.text + say("learn.face", { n: 0 }) : "";
  if (place.dataset.state === state) return;
  place.dataset.state = state;
  place.replaceChildren(...faces.map((face, at) => makeInput(photo, face, at)));
}

/** Bring the panel up to date: what was said, and what is still needed. */
export function refreshLearning() {
  if (!teaching) return;
  panel.hidden = !page.list().length;
  if (panel.hidden) forget();
  const counts = countLabels();
  const rows = [...counts].map(([label, n]) =>
    make("li", { text: say("learn.count", { label: nameLabel(label), n, least: LEAST }) }));
  panel.querySelector(".counts").replaceChildren(...rows);
  const enough = counts.size > 1 && Math.min(...counts.values()) >= LEAST;
  const button = panel.querySelector(".learn");
  button.disabled = !enough && !stop;
  button.textContent = say(stop ? "cancel" : "learn.start");
  const names = new Set([...page.labels().map(nameLabel), ...[...counts.keys()].map(nameLabel)]);
  find("#taught").replaceChildren(...[...names].map((name) => make("option", { text: name })));
  showLearnt(panel.querySelector(".learnt"));
}

/** With the photos goes what was learnt from them. */
function forget() {
  stop?.abort();
  told = null;
}

/** Show what was learnt, unless that stands there already. */
function showLearnt(place) {
  const state = told ? `${told.model.length} ${getLanguage()}` : "";
  if (place.dataset.state === state) return;
  place.dataset.state = state;
  place.replaceChildren(...(told ? describe(told) : []));
}

function makeInput(photo, face, at) {
  const input = make("input");
  const name = say("learn.face", { n: at + 1 });
  input.setAttribute("list", "taught");
  input.setAttribute("aria-label", `${photo.name}: ${name}`);
  Object.assign(input, { type: "text", maxLength: 80, autocomplete: "off" });
  input.value = photo.taught.has(at) ? nameLabel(photo.taught.get(at)) : "";
  input.placeholder = nameLabel(best(face));
  input.addEventListener("change", () => {
    const label = findLabel(input.value.trim());
    if (label) photo.taught.set(at, label);
    else photo.taught.delete(at);
    input.value = label && nameLabel(label);
    refreshLearning();
  });
  return make("label", { holds: [make("span", { text: name }), input] });
}

/** Return the label that a person means: a known one, however it is written; "unsure" is none. */
function findLabel(text) {
  const same = (word) => word.toLowerCase() === text.toLowerCase();
  const known = ["unsure", ...page.labels(), ...countLabels().keys()];
  const meant = known.find((label) => same(label) || same(nameLabel(label))) ?? text;
  return meant === "unsure" ? "" : meant;
}

/** Return of each face of a photo the label that was given, or confirmed, or null. */
function listLabels(photo) {
  const confirmed = panel.querySelector(".confirm").checked;
  return (photo.answer?.faces ?? []).map((face, at) => {
    const kept = confirmed && face.label !== "unsure" ? face.label : null;
    return photo.taught.get(at) ?? kept;
  });
}

function countLabels() {
  const counts = new Map();
  for (const label of page.list().flatMap(listLabels).filter(Boolean)) {
    counts.set(label, (counts.get(label) ?? 0) + 1);
  }
  return new Map([...counts].sort());
}

async function learn() {
  stop = new AbortController();
  told = null;
  refreshLearning();
  try {
    const faces = await seeAll(stop.signal);
    note(say("learn.learning"));
    const answer = await patiently(() => adapt({ faces }, stop.signal), stop.signal);
    stop.signal.throwIfAborted();
    told = answer;
    note("");
    announce(say("learn.done"));
  } catch (error) {
    note(stop.signal.aborted ? "" : explainProblem(error));
  }
  stop = null;
  refreshLearning();
}

/** Have the server look at every photo of which something was said, once. */
async function seeAll(signal) {
  const photos = page.list().filter((photo) => listLabels(photo).some(Boolean));
  const faces = [];
  for (const [at, photo] of photos.entries()) {
    note(say("learn.looking", { done: at, of: photos.length }));
    const wish = { largest: photo.largest, signal };
    photo.seen ??= await patiently(() => seeFaces(photo.file, wish), signal);
    const { hash, faces: seen } = photo.seen;
    listLabels(photo).forEach((label, which) => {
      if (label && seen[which]) faces.push({ hash, label, ...seen[which] });
    });
  }
  return faces;
}

function note(text) {
  panel.querySelector(".note").textContent = text;
}

function describe({ labels, right, interval, before, confusion, curve, model }) {
  const ends = interval.map(portion).join("–");
  const rows = [[say("learn.after"), tell(right), ends]];
  if (before) {
    rows.unshift([say("learn.before"), tell(before), portion(before.correct / before.total)]);
  }
  const better = before && before.correct < right.correct;
  const advice = before ? say(better ? "learn.better" : "learn.use") : say("learn.new");
  const names = labels.map(nameLabel);
  const table = confusion.map((row, at) => [names[at], ...row.map(String)]);
  const [photos, reached] = curve.at(-2);
  const command = `gafas predict --model ${FILE}`;
  return [
    makeTable([say("learn.held"), say("learn.right"), ""], rows),
    make("p", { text: advice }),
    makeTable([say("learn.confusion"), ...names], table),
    make("p", { text: say("learn.curve", { photos, share: portion(reached) }) }),
    makeDownload(model),
    make("p", { holds: [say("learn.how"), make("code", { text: command })] }),
  ];
}

function tell({ correct, total }) {
  return count("learn.of", correct, { total });
}

function makeTable(head, rows) {
  const line = (cells, kind) => make("tr", { holds: cells.map((text) => make(kind, { text })) });
  const body = make("tbody", { holds: rows.map((row) => line(row, "td")) });
  const top = make("thead", { holds: [line(head, "th")] });
  return make("div", { kind: "scroll", holds: [make("table", { holds: [top, body] })] });
}

function makeDownload(model) {
  const bytes = Uint8Array.from(atob(model), (letter) => letter.charCodeAt(0));
  const button = make("button", { kind: "main", text: say("learn.download", { name: FILE }) });
  button.type = "button";
  button.addEventListener("click", () => {
    const link = make("a");
    link.href = URL.createObjectURL(new Blob([bytes], { type: "application/octet-stream" }));
    link.download = FILE;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  });
  return button;
}
