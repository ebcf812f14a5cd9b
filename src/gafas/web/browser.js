/** The engine `browser`: photos are recognized here, in a thread of their own, and go nowhere. */

import { ApiError } from "./api.js";
import { openPhoto } from "./engine/decoding.js";
import { load, recognizeAsText } from "./engine/gafas.js";

/** Neither heat maps nor kept answers, no other computer to which photos go; the page stays. */
export const abilities = { answers: false, heat: false, elsewhere: false, offline: true };

let hear = () => {};

// At once, while the page's other modules are still on their way.
const loading = load({ onProgress: (bytes) => hear(bytes) });
loading.catch(() => {}); // it is told where it is waited for

/** Wait for the models; `tell` hears how many bytes have come. */
export async function prepare(tell) {
  hear = tell;
  await translate(loading);
}

/** Recognize a photo or a frame, or only its `largest` face; return the JSON object's text. */
export function recognize(photo, name, { largest = false, signal }) {
  return translate(recognizeAsText(photo, { name, largest, signal }), signal);
}

/** Return what is recognized of a frame on a canvas: its pixels, as they are. */
export function packFrame(canvas) {
  return canvas;
}

/** Return a photo, upright, as a picture that every browser can show. */
export async function convert(photo) {
  const source = await translate(openPhoto(photo, photo.name));
  const { image } = await translate(source.load());
  const canvas = new OffscreenCanvas(image.width, image.height);
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas.convertToBlob();
}


/** Return what is known of the model: what a service says of it at /v1/model. */
export async function readModel() {
  return (await read("./about.json")).json();
}

/** Return the card of the model, as HTML. */
export async function readModelCard() {
  return (await read("./model-card.html")).text();
}

async function read(path) {
  const response = await fetch(new URL(path, import.meta.url));
  if (!response.ok) throw new ApiError("failed");
  return response;
}

/** Have what goes wrong told in the page's own kinds. */
async function translate(coming, signal) {
  try {
    return await coming;
  } catch (error) {
    if (signal?.aborted) throw error;
    if (error.name === "NotReadableError" || error.name === "NotFoundError") {
      throw new ApiError("gone"); // the file was moved or changed
    }
    const { message: detail, reason, limit } = error;
    throw reason ? new ApiError("refused", { detail, reason, limit }) : new ApiError("failed");
  }
}
