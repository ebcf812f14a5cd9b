/** The cards of the grid: a photo's small picture with its boxes, its name and its faces. */

import { describe, makeLines } from "./bars.js";
import { drawFaces, make } from "./drawing.js";
import { count, explainProblem, say } from "./language.js";
import { showTeaching } from "./learning.js";

const LINES = 3;

let width = 240;

/** Note how wide cards are, in CSS pixels: letters do not grow with them. */
export function setCardWidth(pixels) {
  width = pixels;
}

/** Return a new card; `card.photo` is its photo. */
export function makeCard(photo) {
  const open = make("button", { kind: "open", holds: [make("span", { kind: "frame" })] });
  open.type = "button";
  open.append(make("span", { kind: "name", text: photo.name }));
  const card = make("li", { kind: "card", holds: [open, make("div", { kind: "lines" })] });
  card.append(make("div", { kind: "teach" }));
  card.photo = photo;
  photo.card = card;
  showPhoto(photo);
  return card;
}

/** Bring a photo's card up to date. */
export function showPhoto(photo) {
  const { card } = photo;
  const open = card.querySelector(".open");
  card.dataset.state = photo.answer?.error ? "unreadable" : photo.state;
  open.disabled = !photo.answer?.width;
  open.setAttribute("aria-label", `${photo.name}: ${summarize(photo)}`);
  open.title = photo.name;
  card.querySelector(".frame").replaceChildren(makePicture(photo));
  card.querySelector(".lines").replaceChildren(...listLines(photo));
  showTeaching(photo);
}

/** Say in words what became of a photo. */
export function summarize(photo) {
  if (photo.problem) return explainProblem(photo.problem);
  if (photo.state !== "answered") return say(`state.${photo.state}`);
  if (!photo.answer.faces.length) return say("state.no-face");
  return `${count("faces", photo.answer.faces.length)}: ${describe(photo.answer.faces)}`;
}

/** Return an element that covers exactly the picture inside, as large as its surroundings allow. */
export function makeStage(image, answer) {
  const over = make("span", { kind: "over" });
  const stage = make("span", { kind: "stage", holds: [image, over] });
  stage.style.aspectRatio = `${answer.width} / ${answer.height}`;
  stage.style.setProperty("--shape", answer.width / answer.height);
  return stage;
}

function makePicture(photo) {
  if (!photo.picture) return make("span", { kind: "blank" });
  const image = make("img");
  Object.assign(image, { src: photo.picture, alt: "", loading: "lazy", decoding: "async" });
  const stage = makeStage(image, photo.answer);
  const shown = width * Math.min(1, photo.answer.width / photo.answer.height);
  drawFaces(stage.querySelector(".over"), photo.answer, { shown, brief: true });
  return stage;
}

function listLines(photo) {
  if (photo.state === "failed") return [note(explainProblem(photo.problem)), makeRetry()];
  if (photo.state !== "answered") return [note(say(`state.${photo.state}`))];
  if (photo.problem) {
    return [note(say("state.unreadable"), "strong"), note(explainProblem(photo.problem))];
  }
  const { faces } = photo.answer;
  if (!faces.length) return [note(say("state.no-face"))];
  const rest = faces.length - LINES;
  const more = rest > 0 ? [note(count("faces.more", rest))] : [];
  return [...makeLines(faces).slice(0, LINES), ...more];
}

function note(text, kind = "note") {
  return make("p", { kind, text });
}

function makeRetry() {
  const retry = make("button", { kind: "quiet retry", text: say("again") });
  retry.type = "button";
  return retry;
}
