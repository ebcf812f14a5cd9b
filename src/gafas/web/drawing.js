/** Boxes and labels over a picture, crisp at any pixel ratio: vectors and text, not pixels. */

import { nameLabel, roughly, say } from "./language.js";
import { layTags } from "./placement.js";

const SVG = "http://www.w3.org/2000/svg";
const KNOWN = ["none", "eyeglasses", "sunglasses", "unsure"];

/** Return an element with a class, a text and children. */
export function make(name, { kind = "", text = "", holds = [] } = {}) {
  const element = document.createElement(name);
  if (kind) element.className = kind;
  if (text) element.textContent = text;
  element.append(...holds);
  return element;
}

/** Return the class that colours a label. */
export function colour(label) {
  return `is-${KNOWN.includes(label) ? label : "other"}`;
}

/** Return the most probable label of a face. */
export function best(face) {
  return Object.entries(face.probabilities).reduce((one, two) => (two[1] > one[1] ? two : one))[0];
}

/** Say the label and its probability in a few words. */
export function caption(face) {
  const label = best(face);
  const words = `${nameLabel(label)} ${roughly(face.probabilities[label])}`;
  return face.label === "unsure" ? say("unsure.caption", { words }) : words;
}

/**
 * Lay the boxes of an answer over a picture of the whole photo; several faces are numbered from 1.
 *
 * `place` is emptied first, and must cover the picture exactly; `shown` is the picture's width on
 * the screen in CSS pixels. With `mirror` left and right change places, but letters do not. With
 * `brief` a label is its name alone, or its number, and is left out where there is no room for it.
 */
export function drawFaces(place, answer, { shown, mirror = false, brief = false }) {
  const scale = shown / answer.width;
  const boxes = answer.faces.map((face) => findBox(face.box, answer, mirror));
  const frame = document.createElementNS(SVG, "svg");
  frame.setAttribute("viewBox", `0 0 ${answer.width} ${answer.height}`);
  frame.setAttribute("preserveAspectRatio", "none");
  answer.faces.forEach((face, at) => frame.append(...drawBox(boxes[at], colour(face.label))));
  const size = { width: shown, height: answer.height * scale };
  const scaled = boxes.map((box) => box.map((value) => value * scale));
  const marks = answer.faces.map(({ landmarks }) => {
    const points = landmarks.map(([x, y]) => [mirror ? answer.width - x : x, y]);
    return points.map(([x, y]) => [x * scale, y * scale, x * scale, y * scale]);
  });
  const forms = answer.faces.map((face, at) => listTexts(face, answer.faces[1] && at + 1, brief));
  const tags = layTags(scaled, forms, { size, marks, brief });
  const drawn = answer.faces.flatMap((face, at) => drawTag(face, tags[at], size));
  place.replaceChildren(frame, ...drawn);
}

/** Return what the label of a face may say, from the longest to the shortest. */
function listTexts(face, number, brief) {
  const name = nameLabel(face.label);
  if (!number) return brief ? [name] : [caption(face), name];
  return brief ? [`${number}`] : [`${number} ${caption(face)}`, `${number} ${name}`, `${number}`];
}

function findBox([x1, y1, x2, y2], { width, height }, mirror) {
  const [left, right] = [Math.max(0, x1), Math.min(width, x2)];
  const [top, bottom] = [Math.max(0, y1), Math.min(height, y2)];
  return mirror ? [width - right, top, width - left, bottom] : [left, top, right, bottom];
}

function drawBox([x1, y1, x2, y2], kind) {
  return ["rim", kind].map((name) => {
    const box = document.createElementNS(SVG, "rect");
    const sides = { x: x1, y: y1, width: Math.max(1, x2 - x1), height: Math.max(1, y2 - y1) };
    for (const [side, value] of Object.entries(sides)) box.setAttribute(side, value);
    box.setAttribute("class", name);
    return box;
  });
}

function drawTag(face, tag, size) {
  if (!tag) return [];
  const kind = `tag ${colour(face.label)}${tag.small ? " small" : ""}`;
  const element = make("span", { kind, text: tag.text });
  element.style.left = `${(100 * tag.place[0]) / size.width}%`;
  element.style.top = `${(100 * tag.place[1]) / size.height}%`;
  return [element];
}
