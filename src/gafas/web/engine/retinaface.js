/** RetinaFace's input and output, as `gafas.detection.retinaface` has them. */

import { COLUMNS, CONFIDENCE } from "./candidates.js";
import { roundEven } from "./images.js";
import { resize } from "./resampling.js";

const MEAN = [104, 117, 123]; // blue, green, red
const GREY = 114;
const ANCHORS = [[8, [16, 32]], [16, [64, 128]], [32, [256, 512]]];
const [OFFSET, GROWTH] = [0.1, 0.2].map(Math.fround);
const GAP = 1.5;

const round = Math.fround;

/** Return the size of an image with a longer side of `side`, at most four-fold. */
export function fit({ width, height }, side) {
  const factor = Math.min(side / Math.max(width, height), 4);
  const bring = (value) => Math.max(1, roundEven(value * factor));
  return { width: bring(width), height: bring(height) };
}

/** Resize an image, put a grey border around it, and return its blue, green and red planes. */
export function prepare(image, size, border = 0) {
  const { data } = resize(image, size, GAP);
  const [width, height] = [size.width + 2 * border, size.height + 2 * border];
  const planes = new Float32Array(3 * width * height);
  MEAN.forEach((mean, plane) => {
    const channel = 2 - plane;
    const start = plane * width * height;
    if (border) planes.fill(GREY - mean, start, start + width * height);
    for (let y = 0; y < size.height; y += 1) {
      let into = start + (y + border) * width + border;
      let from = 4 * y * size.width + channel;
      for (let x = 0; x < size.width; x += 1, from += 4) planes[into++] = data[from] - mean;
    }
  });
  return { planes, width, height };
}

/**
 * Turn what the network gave for an image into candidates that are more confident than `least`:
 * offsets from the anchors, confidences, points.
 */
export function decode({ loc, conf, landmarks }, { width, height }, least) {
  const rows = [];
  let at = 0;
  for (const [stride, sides] of ANCHORS) {
    const [columns, lines] = [Math.ceil(width / stride), Math.ceil(height / stride)];
    for (let cell = 0; cell < columns * lines; cell += 1) {
      for (const side of sides) {
        if (conf[2 * at + 1] > round(least)) {
          const centre = [(cell % columns) + 0.5, Math.trunc(cell / columns) + 0.5];
          const anchor = { centre: centre.map((value) => value * stride), side };
          const offsets = loc.subarray(4 * at, 4 * at + 4);
          const points = landmarks.subarray(10 * at, 10 * at + 10);
          rows.push(decodeRow(anchor, { offsets, points, confidence: conf[2 * at + 1] }));
        }
        at += 1;
      }
    }
  }
  return rows;
}

function decodeRow({ centre, side }, { offsets, points, confidence }) {
  const row = new Float32Array(COLUMNS);
  const shift = (value) => round(round(value * OFFSET) * side);
  for (const axis of [0, 1]) {
    const middle = round(centre[axis] + shift(offsets[axis]));
    const half = round(side * round(Math.exp(round(offsets[axis + 2] * GROWTH)))) / 2;
    [row[axis], row[axis + 2]] = [middle - half, middle + half];
  }
  row[CONFIDENCE] = confidence;
  points.forEach((value, at) => {
    row[CONFIDENCE + 1 + at] = centre[at % 2] + shift(value);
  });
  return row;
}

/** Bring candidates, in place, from the pixels that the network saw to the image's. */
export function restore(rows, [across, down], border = 0) {
  const factors = [round(across), round(down)];
  for (const row of rows) {
    row.forEach((value, at) => {
      if (at === CONFIDENCE) return;
      const axis = (at > CONFIDENCE ? at - 1 : at) % 2;
      row[at] = round(value - border) * factors[axis];
    });
  }
}
