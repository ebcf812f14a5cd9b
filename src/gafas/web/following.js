/** Faces followed from frame to frame: boxes smoothed, answers averaged, changes told once. */

const SAME = 0.3; // more of their union in common: the same face a frame later
const STEADY = 0.6; // with less in common it moves fast, and is not smoothed
const SMOOTH = 0.12; // seconds in which a smoothed box does most of its way
const MEMORY = 1; // seconds over which answers are averaged
const PATIENCE = 0.5; // seconds for which a face may be away and is the same when it is back
const SETTLED = 0.3; // seconds that a new answer must last to be believed
const UNSURE = "unsure";

/** Follows the faces of one camera or film; under `threshold` the answer is unsure. */
export class Follower {
  #threshold;
  #faces = [];
  #next = 1;

  constructor(threshold) {
    this.#threshold = threshold;
  }

  /**
   * Take the answer to the frame at `time`, in seconds. Return the `answer` to show, whose faces
   * have an `id` that stays and what was seen of them `latest`, and `news`: those that have just
   * settled on what they wear.
   */
  take(answer, time) {
    this.#faces = this.#faces.filter(({ last }) => time - last <= PATIENCE);
    const known = [...this.#faces];
    for (const seen of answer.faces) {
      const face = takeNearest(known, seen) ?? this.#meet(seen, time);
      move(face, seen, time);
      remember(face, seen, time);
    }
    const shown = this.#faces.filter(({ last }) => last === time || time - last < SETTLED);
    const news = shown.filter((face) => settle(face, { time, threshold: this.#threshold }));
    return { answer: { ...answer, faces: shown.map(describe) }, news: news.map(describe) };
  }

  #meet({ box, landmarks, label }, time) {
    const face = { box, landmarks, label, wanted: null, told: null, seen: [], last: time };
    this.#faces.push(Object.assign(face, { id: this.#next++, met: time }));
    return face;
  }
}

/** Take the face out of those known that has most in common with one that is seen. */
function takeNearest(known, { box }) {
  const shares = known.map((face) => measureOverlap(face.box, box));
  const best = shares.indexOf(Math.max(...shares));
  return shares[best] > SAME ? known.splice(best, 1)[0] : null;
}

function move(face, { box, landmarks, confidence }, time) {
  const steady = measureOverlap(face.box, box) >= STEADY;
  const share = steady ? 1 - Math.exp(-(time - face.last) / SMOOTH) : 1;
  const blend = (one, two) => one.map((value, at) => value + (two[at] - value) * share);
  face.box = blend(face.box, box);
  face.landmarks = landmarks.map((point, at) => blend(face.landmarks[at] ?? point, point));
  Object.assign(face, { confidence, last: time });
}

function remember(face, { probabilities }, time) {
  face.seen = face.seen.filter((one) => time - one.time < MEMORY);
  face.seen.push({ time, probabilities });
  face.probabilities = average(face.seen);
}

/** Return the medians of several answers' probabilities, brought to a sum of 1. */
export function average(seen) {
  const medians = Object.keys(seen[0].probabilities).map((label) => {
    const values = seen.map(({ probabilities }) => probabilities[label]).sort((a, b) => a - b);
    const middle = values.length >> 1;
    return [label, values.length % 2 ? values[middle] : (values[middle - 1] + values[middle]) / 2];
  });
  const sum = medians.reduce((total, [, value]) => total + value, 0) || 1;
  return Object.fromEntries(medians.map(([label, value]) => [label, value / sum]));
}

/** Return the most probable label, or unsure where it is under the threshold. */
export function decide(probabilities, threshold) {
  const [best, most] = Object.entries(probabilities)
    .reduce((one, two) => (two[1] > one[1] ? two : one));
  return most >= threshold ? best : UNSURE;
}

/** Let a face change its label when another has lasted; say whether that is news. */
function settle(face, { time, threshold }) {
  const label = decide(face.probabilities, threshold);
  if (label !== face.wanted?.label) face.wanted = { label, since: time };
  // Between two answers what is seen may be unsure for a moment.
  const lasting = label === UNSURE ? MEMORY + SETTLED : SETTLED;
  if (time - face.wanted.since < lasting) return false;
  face.label = label;
  if (face.told === label) return false;
  face.told = label;
  return true;
}

function describe({ id, box, landmarks, confidence, label, probabilities, seen }) {
  return { id, box, landmarks, confidence, label, probabilities, latest: seen.at(-1) };
}

function measureOverlap(one, other) {
  const [across, down] = [0, 1].map((axis) => {
    const low = Math.max(one[axis], other[axis]);
    return Math.max(0, Math.min(one[axis + 2], other[axis + 2]) - low);
  });
  const [first, second] = [one, other].map(([x1, y1, x2, y2]) => (x2 - x1) * (y2 - y1));
  return (across * down) / (first + second - across * down || 1);
}
