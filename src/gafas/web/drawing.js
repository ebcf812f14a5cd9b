/** Boxes and labels over a picture, crisp at any pixel ratio: vectors and text, not pixels. */

import { nameLabel, roughly, say } from "./language.js";

const SVG = "http://www.w3.org/2000/svg";
const KNOWN = ["none", "eyeglasses", "sunglasses", "unsure"];
const TAG = { height: 22, letter: 6.7, padding: 14 };

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
 * Lay the boxes of an answer over a picture of the whole photo.
 *
 * `place` is emptied first, and must cover the picture exactly; `shown` is the picture's width on
 * the screen in CSS pixels. With `mirror` left and right change places, but letters do not. With
 * `brief` a label is its name alone, and is left out where there is no room for it.
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
  const tags = drawTags(answer.faces, scaled, { size, brief });
  place.replaceChildren(frame, ...tags);
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

function drawTags(faces, boxes, { size, brief }) {
  const taken = [];
  return faces.flatMap((face, at) => {
    const text = brief ? nameLabel(face.label) : caption(face);
    const tag = make("span", { kind: `tag ${colour(face.label)}`, text });
    const width = Math.min(size.width, tag.textContent.length * TAG.letter + TAG.padding);
    const others = [...taken, ...boxes.filter((box) => box !== boxes[at])];
    const place = findPlace(boxes[at], width, size, others);
    if (brief && taken.some((other) => touch(place, other))) return [];
    taken.push(place);
    tag.style.left = `${(100 * place[0]) / size.width}%`;
    tag.style.top = `${(100 * place[1]) / size.height}%`;
    return tag;
  });
}

/** Choose above the box, below it or inside: where the tag covers the fewest others. */
function findPlace([x1, y1, , y2], width, size, others) {
  const left = Math.max(0, Math.min(x1, size.width - width));
  const tops = [y1 - TAG.height - 2, y2 + 2, y1 + 3, y2 - TAG.height - 3];
  const places = tops.map((top) => [left, top, left + width, top + TAG.height]);
  const inside = places.filter((place) => place[1] >= 0 && place[3] <= size.height);
  const hidden = (place) => others.filter((other) => touch(place, other)).length;
  const usual = [[left, 0, left + width, TAG.height]];
  return (inside.length ? inside : usual).sort((one, two) => hidden(one) - hidden(two))[0];
}

function touch(one, two) {
  return one[0] < two[2] && two[0] < one[2] && one[1] < two[3] && two[1] < one[3];
}
