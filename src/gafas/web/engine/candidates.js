/** Candidates: what looks like a face, and which of them show the same one. */

// As `gafas.detection.candidates` has it, in numbers of 32 bits as there.

/** @typedef {Float32Array} Candidate x1, y1, x2, y2, confidence, then five times x, y */

/** The place of a candidate's confidence. */
export const CONFIDENCE = 4;

/** How many numbers a candidate has. */
export const COLUMNS = 15;

const SAME = Math.fround(0.4); // more of their union in common: the same face
const PART = Math.fround(0.7); // so is what lies with more of itself in the other
const APART = Math.fround(0.2); // what overlaps a face by less is something else
const LEAST_SIDE = Math.fround(1e-6);

const round = Math.fround;

/** Keep the most confident of the candidates that show the same face, sorted by confidence. */
export function suppress(rows) {
  const sorted = [...rows].sort((one, two) => two[CONFIDENCE] - one[CONFIDENCE] || one[0] - two[0]);
  const kept = [];
  for (const row of sorted) if (!kept.some((other) => showSame(other, row))) kept.push(row);
  return kept;
}

function showSame(one, other) {
  const { union, inside } = measureOverlap(one, other);
  return union > SAME || inside > PART;
}

/** Return the candidates that are not sure, and apart from those that are. */
export function findDoubtful(rows, sure) {
  const certain = rows.filter((row) => row[CONFIDENCE] >= round(sure));
  return rows.filter((row) => {
    if (row[CONFIDENCE] >= round(sure)) return false;
    return !certain.some((other) => measureOverlap(row, other).union >= APART);
  });
}

/** Return the candidates of at least so much confidence. */
export function keepConfident(rows, least) {
  return rows.filter((row) => row[CONFIDENCE] >= round(least));
}

/** Return the longer side of a candidate's box. */
export function measureSide(row) {
  return Math.max(round(row[2] - row[0]), round(row[3] - row[1]));
}

/** Return what two boxes have in common: of their union, and of the smaller one. */
export function measureOverlap(one, other) {
  const common = round(measureCommon(one, other, 0) * measureCommon(one, other, 1));
  const [first, second] = [measureArea(one), measureArea(other)];
  return {
    union: round(common / round(round(first + second) - common)),
    inside: round(common / Math.min(first, second)),
  };
}

function measureCommon(one, other, axis) {
  const low = Math.max(one[axis], other[axis]);
  const high = Math.min(one[axis + 2], other[axis + 2]);
  return Math.max(0, round(high - low));
}

function measureArea(row) {
  const [across, down] = [row[2] - row[0], row[3] - row[1]];
  return round(Math.max(round(across), LEAST_SIDE) * Math.max(round(down), LEAST_SIDE));
}

/** Bring what was found in a photo that `turnQuarters` had turned back to the photo. */
export function turnBack(rows, quarters, { width, height }) {
  const back = {
    1: (x, y) => [width - y, x],
    2: (x, y) => [width - x, height - y],
    3: (x, y) => [y, height - x],
  }[quarters];
  return rows.map((row) => {
    const turned = Float32Array.from(row);
    for (const x of [0, 2, 5, 7, 9, 11, 13]) turned.set(back(row[x], row[x + 1]), x);
    const [x1, y1, x2, y2] = turned;
    turned.set([Math.min(x1, x2), Math.min(y1, y2), Math.max(x1, x2), Math.max(y1, y2)]);
    return turned;
  });
}
