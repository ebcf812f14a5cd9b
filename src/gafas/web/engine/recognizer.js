/** The conductor: photo → faces → crops → answers, as `gafas.recognizer` does it; change both. */

// A source has `load({ side, eighth })`, which returns a photo: its `image`, perhaps decoded small,
// and the `width` and `height` of the original, upright.

import { calibrate } from "./classifier.js";
import { cutOut, placeCrop, squeeze } from "./crops.js";
import { CONFIDENT, LARGE_SIDE } from "./detector.js";
import { decide, describe, scaleFace, selectLargest } from "./results.js";

const EIGHTH_SIDE = 480;
const CROWD = 3;
const SMALL = 24;
const FINER = 4;
const DETAIL = 2 / 3;
const LEAST_DETAIL = 0.3;
const SURE = Math.fround(0.97);

/** Recognizes photos, one after the other. */
export class Recognizer {
  #detector;
  #classifier;

  constructor(detector, classifier) {
    this.#detector = detector;
    this.#classifier = classifier;
  }

  /** Return what the model says of itself. */
  get model() {
    return this.#classifier.metadata;
  }

  /**
   * Say what every face in a photo wears, or only the `largest` one: the object that every door of
   * gafas gives.
   */
  async recognize(source, { name, largest = false }) {
    const { photo, faces, looks } = await this.#see(source);
    const told = faces.map((face, at) => decide(face, looks[at].probabilities, this.model));
    const { width, height } = photo;
    return describe({ photo: name, width, height, faces: largest ? selectLargest(told) : told });
  }

  async #see(source) {
    if (this.model.view === "photo") return this.#seeWhole(source);
    const check = this.model.face_check ?? null;
    const least = check ? check.least : CONFIDENT;
    const { photo, faces } = await findFaces(source, this.#detector, least);
    return this.#classify(source, photo, { faces, check });
  }

  async #seeWhole(source) {
    const { width, height } = this.model;
    const photo = await source.load({ side: FINER * Math.max(width, height) });
    const faces = [{ box: [0, 0, photo.width, photo.height], landmarks: [], confidence: null }];
    const looks = await this.#classifier.look([squeeze(photo.image, this.model)]);
    return { photo, faces, looks };
  }

  async #classify(source, photo, { faces, check }) {
    // What is doubtful is mostly no face: to see that, the photo is not decoded again.
    const trusted = faces.filter((face) => !check || face.confidence >= CONFIDENT);
    const least = Math.min(1, ...this.#measure(photo, trusted));
    const finer = await refine(source, photo, least, LEAST_DETAIL);
    const detail = this.#measure(finer, faces);
    const looks = await this.#look(finer, faces, check);
    await this.#lookAgain(source, finer, { faces, check, detail, looks });
    if (!check) return { photo: finer, faces, looks };
    const kept = faces.map((face, at) => ({ face, look: looks[at] }))
      .filter(({ look }) => look.confidence >= check.cut)
      .sort((one, two) => two.look.confidence - one.look.confidence);
    const sure = kept.map(({ face, look }) => ({ ...face, confidence: look.confidence }));
    return { photo: finer, faces: sure, looks: kept.map(({ look }) => look) };
  }

  /** Look again at faces of little detail whose answer is not sure, in a photo decoded larger. */
  async #lookAgain(source, photo, { faces, check, detail, looks }) {
    const cut = check ? check.cut : 0;
    const again = faces.map((_, at) => at).filter((at) => {
      const unsure = Math.max(...looks[at].probabilities) < SURE || detail[at] < LEAST_DETAIL;
      return looks[at].confidence >= cut && detail[at] < DETAIL && unsure;
    });
    if (!again.length) return;
    const larger = await refine(source, photo, Math.min(...again.map((at) => detail[at])));
    const seen = await this.#look(larger, again.map((at) => faces[at]), check);
    again.forEach((at, number) => (looks[at] = seen[number]));
  }

  async #look(photo, faces, check) {
    const size = Math.max(this.model.width, this.model.height);
    const scale = measureScale(photo);
    const crops = faces.map((face) => {
      const placement = placeCrop(scaleFace(face, scale), this.model.crop);
      return squeeze(cutOut(photo.image, placement, size), this.model);
    });
    const looks = await this.#classifier.look(crops);
    return looks.map((look, at) => {
      const confidence = check ? calibrate(check, faces[at].confidence, look.doubt) : 1;
      return { ...look, confidence };
    });
  }

  /** Return how much detail the crop of each face has in a photo decoded small: 1 is all. */
  #measure(photo, faces) {
    const scale = measureScale(photo);
    if (scale >= 1) return faces.map(() => 1);
    const size = Math.max(this.model.width, this.model.height);
    return faces.map((face) => {
      return Math.min((placeCrop(face, this.model.crop).side * scale) / size, 1);
    });
  }
}

/** Decode a photo, as far as finding its faces needs it. */
async function findFaces(source, detector, least) {
  let photo = await source.load({ side: LARGE_SIDE, eighth: EIGHTH_SIDE });
  let faces = await detector.detect(photo.image, least);
  const sides = faces.filter((face) => face.confidence >= CONFIDENT).map(measureFace);
  const crowd = sides.filter((side) => side < SMALL).length >= CROWD;
  const decoded = Math.max(photo.image.width, photo.image.height);
  if (measureScale(photo) < 1 && decoded < LARGE_SIDE && (crowd || !sides.length)) {
    photo = await source.load({ side: LARGE_SIDE });
    faces = await detector.detect(photo.image, least);
  }
  const factor = 1 / measureScale(photo);
  return { photo, faces: faces.map((face) => scaleFace(face, factor)) };
}

function measureFace({ box: [x1, y1, x2, y2] }) {
  return Math.max(x2 - x1, y2 - y1);
}

/** Decode a photo again if its detail is less than `least`. */
async function refine(source, photo, detail, least = DETAIL) {
  if (detail >= least) return photo;
  const { width, height } = photo.image;
  return source.load({ side: Math.ceil((Math.max(width, height) * least) / detail) });
}

/** Return pixels of the image for one of the original: 1, or less where it was reduced. */
function measureScale({ image, width, height }) {
  return Math.max(image.width, image.height) / Math.max(width, height);
}
