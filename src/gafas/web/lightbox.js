/** A photo alone, large: its faces in numbers, the heat map, the way to its neighbours. */

import { makeDot, makeTable } from "./bars.js";
import { makeStage } from "./cards.js";
import { drawFaces, make } from "./drawing.js";
import { abilities, convert, explain } from "./engine.js";
import { explainProblem, nameLabel, say } from "./language.js";
import { patiently } from "./retry.js";

const dialog = document.querySelector("#lightbox");
const find = (name) => dialog.querySelector(name);

let photo = null;
let listNeighbours = () => [];
let leaving = new AbortController();
let urls = [];

/** Show a photo; `neighbours()` lists the photos to leaf through. */
export function openLightbox(shown, neighbours) {
  listNeighbours = neighbours;
  dialog.showModal();
  show(shown);
}

/** Say it in another language, or at another size. */
export function refreshLightbox() {
  if (dialog.open) show(photo);
}

function show(next) {
  leave();
  photo = next;
  const list = listNeighbours();
  const at = list.indexOf(photo);
  find("h2").textContent = photo.name;
  find(".place").textContent = say("lightbox.place", { at: at + 1, of: list.length });
  find(".earlier").disabled = at <= 0;
  find(".later").disabled = at < 0 || at === list.length - 1;
  find(".heat").disabled = !photo.answer.faces.length;
  find(".facts").replaceChildren(...makeFacts(photo.answer));
  showHeat(false);
}

function makeFacts({ faces, width, height }) {
  const size = make("p", { kind: "note", text: say("lightbox.size", { width, height }) });
  if (!faces.length) return [make("p", { text: say("state.no-face") }), size];
  const parts = faces.map((face, at) => {
    const number = faces.length > 1 ? `${at + 1}` : "";
    const title = make("h3", { holds: [makeDot(face.label, number)] });
    title.append(number && `${say("lightbox.face", { at: number })}: `, nameLabel(face.label));
    return make("section", { holds: [title, makeTable(face)] });
  });
  return [...parts, size];
}

async function showHeat(wanted) {
  find(".heat").setAttribute("aria-pressed", wanted);
  find(".about-heat").hidden = !wanted;
  const { signal } = leaving;
  busy(say(wanted ? "lightbox.explaining" : "lightbox.loading"));
  try {
    await (wanted ? showHeatMap(photo, signal) : showOriginal(photo, signal));
    busy("");
  } catch (error) {
    if (!signal.aborted) busy(explainProblem(error));
  }
}

async function showOriginal({ file, answer }, signal) {
  let image = await load(file).catch(() => null);
  const fits = image?.naturalWidth === answer.width && image?.naturalHeight === answer.height;
  if (!fits && !signal.aborted) {
    image = await load(await patiently(() => convert(file, signal), signal));
  }
  if (signal.aborted) return;
  const stage = makeStage(image, answer);
  find(".picture").replaceChildren(stage);
  layOver(stage);
}

function layOver(stage) {
  const shown = stage.getBoundingClientRect().width;
  drawFaces(stage.querySelector(".over"), photo.answer, { shown });
}

async function showHeatMap({ file, largest }, signal) {
  const image = await load(await patiently(() => explain(file, { largest, signal }), signal));
  if (signal.aborted) return;
  find(".picture").replaceChildren(
    makeStage(image, { width: image.naturalWidth, height: image.naturalHeight }),
  );
}

async function load(blob) {
  const image = make("img");
  urls.push(URL.createObjectURL(blob));
  image.src = urls.at(-1);
  image.alt = say("lightbox.alt", { name: photo.name });
  await image.decode();
  return image;
}

function busy(text) {
  find(".busy").textContent = text;
}

function leave() {
  leaving.abort();
  leaving = new AbortController();
  urls.forEach((url) => URL.revokeObjectURL(url));
  urls = [];
  find(".picture").replaceChildren();
}

function step(by) {
  const list = listNeighbours();
  const next = list[list.indexOf(photo) + by];
  if (next) show(next);
}

function toggleHeat() {
  const wanted = find(".heat").getAttribute("aria-pressed") !== "true";
  leaving.abort();
  leaving = new AbortController();
  showHeat(wanted);
}

dialog.addEventListener("close", () => {
  leave();
  photo.card.querySelector(".open").focus(); // wherever the arrows led to
});
dialog.addEventListener("click", (event) => {
  if (event.target === dialog) dialog.close();
});
dialog.addEventListener("keydown", (event) => {
  const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (!by) return;
  event.preventDefault();
  step(by);
});
find(".close").addEventListener("click", () => dialog.close());
find(".earlier").addEventListener("click", () => step(-1));
find(".later").addEventListener("click", () => step(1));
find(".heat").addEventListener("click", toggleHeat);
find(".heat").hidden = !abilities.heat;
new ResizeObserver(() => {
  const stage = find(".stage");
  if (stage?.querySelector("svg")) layOver(stage);
}).observe(find(".picture"));
