/** The probabilities of a face, as one bar of several colours or as a line for each label. */

import { best, colour, make } from "./drawing.js";
import { nameLabel, percent, say } from "./language.js";

/** Return one line for a face: its answer, the probability, and the bar. */
export function makeLine(face) {
  const unsure = face.label === "unsure";
  const name = unsure ? say("unsure.between") : nameLabel(face.label);
  const words = make("span", { kind: "answer", holds: [dot(face.label), name] });
  const number = make("span", { kind: "number", text: percent(face.probabilities[best(face)]) });
  return make("div", { kind: "line", holds: [words, number, makeBar(face)] });
}

/** Return the probabilities of every label, the most probable first, each with its own bar. */
export function makeTable(face) {
  const sorted = Object.entries(face.probabilities).sort((one, two) => two[1] - one[1]);
  const rows = sorted.map(([label, value]) => {
    const name = make("span", { kind: "answer", holds: [dot(label), nameLabel(label)] });
    const number = make("span", { kind: "number", text: percent(value) });
    const track = make("span", { kind: "bar single", holds: [part(label, value)] });
    return make("div", { kind: "line", holds: [name, number, track] });
  });
  return make("div", { kind: "table", holds: rows });
}

/** Say in words what a face wears, for those who do not see the bars. */
export function describe(face) {
  const values = { label: nameLabel(best(face)), percent: percent(face.probabilities[best(face)]) };
  return say(face.label === "unsure" ? "face.unsure" : "face.sure", values);
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

function dot(label) {
  return make("i", { kind: `dot ${colour(label)}` });
}
