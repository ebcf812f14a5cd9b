/** Image → faces: the schedule of looks, as `gafas.detection.detector` tells it; change both. */

/** @typedef {{ box: number[], landmarks: number[][], confidence: number | null }} Face */

import {
  CONFIDENCE, findDoubtful, keepConfident, measureSide, suppress, turnBack,
} from "./candidates.js";
import { turnQuarters } from "./images.js";
import { decode, fit, prepare, restore } from "./retinaface.js";

/** A candidate of less confidence is not called a face. */
export const CONFIDENT = 0.4;

/** Decoded so large, a photo shows all faces but those of a crowd. */
export const LARGE_SIDE = 640;

const HINT = 0.07;
const SURE = 0.9;
const UPRIGHT = 0.97;
const TURNED_SIDE = 320;
const BORDERED_SIDE = 128;
const BORDER = 64;
const CLEARLY = 0.02;

/** Say how large to look at a photo, by its longer side: first, then if in doubt. */
export function chooseSides(longer) {
  if (longer < 128) return [256];
  if (longer < 320) return [longer < 192 ? 320 : 192, 512];
  return longer <= LARGE_SIDE ? [320, LARGE_SIDE] : [320, LARGE_SIDE, 1280];
}

/** Finds faces; `run(planes, width, height)` is the network: its three outputs, by name. */
export class FaceDetector {
  #run;

  constructor(run) {
    this.#run = run;
  }

  /**
   * Find the faces in an image, the most confident first; with `least` under `CONFIDENT` doubtful
   * ones, too.
   */
  async detect(image, least = CONFIDENT) {
    let found = await this.#search(image, least);
    const needed = findTurnLimit(keepConfident(found, CONFIDENT));
    if (needed !== null) found = await this.#searchTurned(image, found, { needed, least });
    return found.map(makeFace);
  }

  /** Look once, the image's longer side resized to `side`, so many pixels of grey around. */
  async findCandidates(image, side, border = 0) {
    const size = fit(image, side);
    const { planes, width, height } = prepare(image, size, border);
    const rows = decode(await this.#run(planes, width, height), { width, height }, HINT);
    restore(rows, [image.width / size.width, image.height / size.height], border);
    return suppress(rows);
  }

  async #search(image, least) {
    const longer = Math.max(image.width, image.height);
    const [first, ...larger] = chooseSides(longer);
    let seen = await this.findCandidates(image, first);
    let found = keepConfident(seen, least);
    for (const side of larger) {
      const nothing = !seen.length && side <= LARGE_SIDE;
      if (!nothing && !findDoubtful(seen, SURE).length) break;
      seen = await this.findCandidates(image, side);
      // Of what is large the first look showed enough: in a larger one a cat may seem a face.
      const small = seen.filter((row) => measureSide(row) < longer / 2);
      found = suppress([...found, ...keepConfident(small, least)]);
    }
    if (keepConfident(found, CONFIDENT).length) return found;
    const bordered = await this.findCandidates(image, BORDERED_SIDE, BORDER);
    return suppress([...found, ...keepConfident(bordered, least)]);
  }

  /** Return what the turned photo shows if a face is surer there than `needed`. */
  async #searchTurned(image, found, { needed, least }) {
    let best = { surest: -1 };
    for (const quarters of [1, 2, 3]) {
      const turned = turnQuarters(image, quarters);
      const [first] = await this.findCandidates(turned, TURNED_SIDE);
      const surest = first ? first[CONFIDENCE] : 0;
      if (surest > best.surest) best = { surest, quarters, turned };
    }
    if (best.surest <= Math.fround(needed)) return found;
    const rows = await this.#search(best.turned, least);
    if (!keepConfident(rows, CONFIDENT).length) return found;
    const back = turnBack(rows, best.quarters, image);
    return least >= CONFIDENT ? back : suppress([...back, ...found]);
  }
}

/** Return how sure a face must be in the turned photo to be believed; null: turn it not. */
function findTurnLimit([first]) {
  if (!first) return SURE;
  const surest = first[CONFIDENCE];
  if (!stands(first)) return surest;
  return surest < UPRIGHT ? surest + CLEARLY : null;
}

/** Say whether the mouth is below the eyes rather than beside or above them. */
function stands(row) {
  const [right, down] = [0, 1].map((axis) => {
    const eyes = Math.fround(row[5 + axis] + row[7 + axis]) / 2;
    return Math.fround(Math.fround(row[11 + axis] + row[13 + axis]) / 2 - eyes);
  });
  return down >= Math.abs(right);
}

function makeFace(row) {
  const [x1, y1, x2, y2, confidence, ...flat] = row;
  const landmarks = [0, 2, 4, 6, 8].map((at) => [flat[at], flat[at + 1]]);
  return { box: [x1, y1, x2, y2], landmarks, confidence };
}
