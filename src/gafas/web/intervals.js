/** What every face of a film wears, and from when to when. */

import { guard, toLines } from "./downloads.js";
import { average, decide } from "./following.js";

const GAP = 2.5; // looks that may be missed within one interval
const AROUND = 0.5; // seconds before and after a moment whose answers count for it

/**
 * Return a film's looks `{ time, faces }` with what each face wears by all that was seen of it
 * around that moment, before and after. Who is seen in one look alone is left out, and the others
 * are counted from 1: `face`.
 */
export function settle(looks, threshold) {
  const seen = looks.flatMap(({ time, faces }) => {
    return faces.filter(({ latest }) => latest.time === time);
  });
  const ids = [...new Set(seen.map(({ id }) => id))];
  const all = ids.map((id) => seen.filter((one) => one.id === id).map(({ latest }) => latest));
  const lasting = ids.map((id, at) => [id, all[at]]).filter(([, moments]) => moments.length > 1);
  const numbers = new Map(lasting.map(([id, moments], at) => [id, { face: at + 1, moments }]));
  return looks.map(({ faces, ...look }) => {
    const here = faces.filter(({ id, latest }) => numbers.has(id) && latest.time === look.time);
    return { ...look, faces: here.map((one) => decideAt(one, numbers.get(one.id), threshold)) };
  });
}

function decideAt(one, { face, moments }, threshold) {
  const near = moments.filter(({ time }) => Math.abs(time - one.latest.time) <= AROUND);
  const probabilities = average(near);
  return { ...one, face, probabilities, label: decide(probabilities, threshold) };
}

/**
 * Return the intervals of looks that have settled and are `step` seconds apart: `{ face, from, to,
 * label, probability }`, face by face.
 */
export function listIntervals(looks, step) {
  const intervals = [];
  for (const { time, faces } of looks) {
    for (const { face, label, probabilities } of faces) {
      const last = intervals.findLast((one) => one.face === face);
      const value = Math.max(...Object.values(probabilities));
      if (last?.label === label && time - last.to <= (GAP - 1) * step) {
        Object.assign(last, { to: time + step, values: [...last.values, value] });
      } else intervals.push({ face, from: time, to: time + step, label, values: [value] });
    }
  }
  const told = intervals.map(({ values, ...rest }) => {
    return { ...rest, probability: values.reduce((one, two) => one + two) / values.length };
  });
  return told.sort((one, two) => one.face - two.face); // of each in the order of time
}

/** Write intervals as a table: seconds with two decimals, probabilities with three. */
export function toTable(name, intervals) {
  const rows = intervals.map(({ face, from, to, label, probability }) => {
    const times = [from.toFixed(2), to.toFixed(2)];
    return [guard(name), `${face}`, ...times, guard(label), probability.toFixed(3)];
  });
  return toLines([["video", "face", "from", "to", "label", "probability"], ...rows]);
}
