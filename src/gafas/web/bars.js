/** The probabilities of a face, as one bar of several colours or as a line for each label. */

import { best, colour, make } from "./drawing.js";
import { nameLabel, percent, say } from "./language.js";

/** Return a line for each face: its answer, the probability, the bar; several have numbers. */
export function makeLines(faces) {
  return faces.map((face, at) => makeLine(face, faces.length > 1 ? `${at + 1}` : ""));
}

/** Return a spot of a label's colour, with the face's number in it where there is one. */
export function makeDot(label, number = "") {
  return make("i", { kind: `dot ${colour(label)}${number && " numbered"}`, text: number });
}

function makeLine(face, number) {
  const unsure = face.label === "unsure";
  const name = unsure ? say("unsure.between") : nameLabel(face.label);
  const words = make("span", { kind: "answer", holds: [makeDot(face.label, number), name] });
  const value = make("span", { kind: "number", text: percent(face.probabilities[best(face)]) });
  return make("div", { kind: "line", holds: [words, value, makeBar(face)] });
}

/** Return the probabilities of every label, the most probable first, each with its own bar. */
export function makeTable(face) {
  const sorted = Object.entries(face.probabilities).sort((one, two) => two[1] - one[1]);
  const rows = sorted.map(([label, value]) => {
    const name = make("span", { kind: "answer", holds: [makeDot(label), nameLabel(label)] });
    const number = make("span", { kind: "number", text: percent(value) });
    const track = make("span", { kind: "bar single", holds: [part(label, value)] });
    return make("div", { kind: "line", holds: [name, number, track] });
  });
  return make("div", { kind: "table", holds: rows });
}

/** Say in words what faces wear, for those who do not see the bars. */
export function describe(faces) {
  return faces.map((face, at) => {
    const value = percent(face.probabilities[best(face)]);
    const values = { label: nameLabel(best(face)), percent: value };
    const words = say(face.label === "unsure" ? "face.unsure" : "face.sure", values);
    return faces.length > 1 ? `${at + 1}: ${words}` : words;
  }).join("; ");
}

function makeBar(face) {
  const parts = Object.entries(face.probabilities).map(([label, value]) => part(label, value));
  const bar = make("span", { kind: "bar", holds: parts });
  bar.title = Object.entries(face.probabilities)
    .map(([label, value]) => `${nameLabel(label)} ${percent(value)}`)
    .join(" · ");
  return bar;
}

function part(label, value) {
  const piece = make("span", { kind: colour(label) });
  piece.style.width = `${100 * value}%`;
  return piece;
}
