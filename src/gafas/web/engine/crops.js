/** Image and face → the crop that the classifier sees, placed and cut as `gafas.crops` does. */

import { cutPatch } from "./images.js";
import { reduce, resize, turn } from "./resampling.js";

// Medians over frontal photos, in distances between the eyes; see `gafas.crops`.
const EYES_TO_MOUTH = 1.14;
const BOX_WIDTH = 2.09;
const BOX_HEIGHT = 3.06;
const EYES_IN_BOX = 0.42;

/**
 * Squeeze a whole image to a size, into `colour` "grey" or "rgb": the input of a model, one byte a
 * channel.
 */
export function squeeze(image, { width, height, colour }) {
  if (colour === "rgb") return dropFourth(resize(image, { width, height }));
  const grey = resize(turnGrey(image), { width, height });
  return Uint8Array.from({ length: width * height }, (_, at) => grey.data[4 * at]);
}

function dropFourth({ data, width, height }) {
  const packed = new Uint8Array(3 * width * height);
  for (let from = 0, into = 0; into < packed.length; from += 4) {
    packed[into++] = data[from];
    packed[into++] = data[from + 1];
    packed[into++] = data[from + 2];
  }
  return packed;
}

function turnGrey({ data, width, height }) {
  const grey = new Uint8ClampedArray(data.length);
  for (let at = 0; at < data.length; at += 4) {
    const light = (data[at] * 19595 + data[at + 1] * 38470 + data[at + 2] * 7471 + 0x8000) >> 16;
    grey.fill(light, at, at + 3);
  }
  return { data: grey, width, height };
}

/** Say where the crop of a face lies: its centre, its side, its roll in radians. */
export function placeCrop({ box, landmarks }, geometry) {
  const [x1, y1, x2, y2] = box;
  const middle = [(x1 + x2) / 2, (y1 + y2) / 2];
  let unit = measureUnit(x2 - x1, y2 - y1);
  let eyes = [middle[0], y1 + EYES_IN_BOX * (y2 - y1)];
  let roll = 0;
  if (landmarks.length) {
    const [left, right, , mouthLeft, mouthRight] = landmarks;
    eyes = between(left, right);
    const mouth = between(mouthLeft, mouthRight);
    const down = [mouth[0] - eyes[0], mouth[1] - eyes[1]];
    const across = [right[0] - left[0], right[1] - left[1]];
    // One that lies on its side has a box that does, too.
    if (Math.abs(down[0]) > Math.abs(down[1])) unit = measureUnit(y2 - y1, x2 - x1);
    const spread = Math.max(Math.hypot(...across), Math.hypot(...down) / EYES_TO_MOUTH);
    if (spread > 0) unit = Math.sqrt(unit * spread);
    const wide = across.map((value, axis) => value + (mouthRight[axis] - mouthLeft[axis]) / 2);
    roll = findRoll(wide, down, (geometry.max_roll * Math.PI) / 180);
  }
  return place({ middle, eyes, unit, roll }, geometry);
}

function place({ middle, eyes, unit, roll }, { extent, eye_line: eyeLine, backward }) {
  const side = Math.max(extent * unit, 1);
  const [cosine, sine] = [Math.cos(roll), Math.sin(roll)];
  const behind = backward * ((middle[0] - eyes[0]) * cosine + (middle[1] - eyes[1]) * sine);
  const below = (0.5 - eyeLine) * side;
  const x = eyes[0] + behind * cosine - below * sine;
  const y = eyes[1] + behind * sine + below * cosine;
  return { x, y, side, roll };
}

function measureUnit(width, height) {
  return Math.max(width / BOX_WIDTH, height / BOX_HEIGHT);
}

function between(one, two) {
  return [(one[0] + two[0]) / 2, (one[1] + two[1]) / 2];
}

/** Return the face's angle; eyes and mouth that nearly coincide, in a profile, weigh little. */
function findRoll(across, down, bound) {
  const angle = Math.atan2(across[1] - down[0] / 2, across[0] + down[1] / 2);
  return Math.min(bound, Math.max(-bound, angle));
}

/** Cut a placed crop out of an image, antialiased: a square of `size` pixels. */
export function cutOut(image, placement, size) {
  const bounds = findBounds(placement);
  const patch = cutPatch(image, bounds);
  // Shrink in three steps: whole pixels averaged, a bilinear turn at a step under 1.5, then its
  // samples averaged.
  const whole = placement.side / size;
  const shrunk = Math.max(1, Math.trunc(whole / 2));
  const small = shrunk > 1 ? reduce(patch, shrunk) : patch;
  const step = whole / shrunk;
  const fold = Math.max(1, Math.ceil(step / 1.5));
  const turned = turn(small, size * fold, findAffine(placement, bounds, [shrunk, step / fold]));
  return fold > 1 ? reduce(turned, fold) : turned;
}

function findBounds(placement) {
  const margin = 2 + placement.side * 0.05;
  const corners = [[0, 0], [0, 1], [1, 0], [1, 1]].map((point) => toImage(placement, point));
  const [across, down] = [0, 1].map((axis) => corners.map((corner) => corner[axis]));
  return {
    left: Math.floor(Math.min(...across) - margin),
    top: Math.floor(Math.min(...down) - margin),
    right: Math.ceil(Math.max(...across) + margin),
    bottom: Math.ceil(Math.max(...down) + margin),
  };
}

/** Map a point of the crop, 0–1 from its top left, to the image's pixels. */
function toImage({ x, y, side, roll }, point) {
  const [across, down] = point.map((value) => (value - 0.5) * side);
  const [cosine, sine] = [Math.cos(roll), Math.sin(roll)];
  return [across * cosine - down * sine + x, across * sine + down * cosine + y];
}

function findAffine(placement, { left, top }, [shrunk, step]) {
  const cosine = Math.cos(placement.roll) * step;
  const sine = Math.sin(placement.roll) * step;
  const [x, y] = toImage(placement, [0, 0]);
  return [cosine, -sine, (x - left) / shrunk, sine, cosine, (y - top) / shrunk];
}
