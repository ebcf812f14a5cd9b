/** Crops → probabilities, by one ONNX file that is the whole model, as in `gafas.classifier`. */

import { readMetadata } from "./metadata.js";

const BATCH = 256;
const LEAST_ODDS = 1e-6;

/** Says what faces wear, and whether they are any. */
export class Classifier {
  #run;

  /**
   * `content` is the file, `run(batch, shape)` the network: its outputs by name, each as a
   * Float32Array.
   */
  constructor(content, run) {
    this.metadata = readMetadata(content);
    this.#run = run;
  }

  /** Return how many channels a crop has. */
  get channels() {
    return this.metadata.colour === "grey" ? 1 : 3;
  }

  /** Return of each crop the probabilities, and with a face check the model's doubt of it. */
  async look(crops) {
    const found = [];
    for (let start = 0; start < crops.length; start += BATCH) {
      found.push(...(await this.#lookAtSome(crops.slice(start, start + BATCH))));
    }
    return found;
  }

  async #lookAtSome(crops) {
    const { width, height, labels } = this.metadata;
    const size = width * height * this.channels;
    const batch = new Uint8Array(size * crops.length);
    crops.forEach((crop, at) => batch.set(crop, at * size));
    const outputs = await this.#run(batch, [crops.length, height, width, this.channels]);
    const doubts = outputs.not_a_face;
    return crops.map((_, at) => {
      const [from, to] = [at * labels.length, (at + 1) * labels.length];
      const probabilities = [...outputs.probabilities.slice(from, to)];
      return { probabilities, doubt: doubts ? doubts[at] : null };
    });
  }
}

/** Return the probability that something is a face, by the detector and the classifier together. */
export function calibrate(check, confidence, doubt) {
  const { offset, detector, not_a_face: weight } = check;
  const logit = offset + detector * findLogOdds(confidence) - weight * findLogOdds(doubt);
  const rest = Math.log1p(Math.exp(-Math.abs(logit))) + Math.max(0, -logit);
  return Math.exp(-rest);
}

function findLogOdds(probability) {
  const clipped = Math.min(Math.max(probability, LEAST_ODDS), 1 - LEAST_ODDS);
  return Math.log(clipped / (1 - clipped));
}
