/** Small pictures of photos; the server converts those that the browser cannot show. */

import { convert } from "./engine.js";
import { patiently } from "./retry.js";

const SIDE = 560;

/**
 * Return the URL of a small picture of an answered photo.
 *
 * What the browser shows must have the answer's size: boxes are in the pixels of the upright photo,
 * and a browser that does not heed a format's orientation would put them elsewhere.
 */
export async function makeThumbnail(file, answer, signal) {
  try {
    const picture = await createImageBitmap(file, { imageOrientation: "from-image" });
    if (picture.width === answer.width && picture.height === answer.height) {
      return URL.createObjectURL(await shrink(picture));
    }
    picture.close();
  } catch {
    // The browser does not know the format: the engine makes it another.
  }
  const converted = await patiently(() => convert(file, signal), signal);
  const picture = await createImageBitmap(converted);
  return URL.createObjectURL(await shrink(picture));
}

async function shrink(picture) {
  const scale = Math.min(1, SIDE / Math.max(picture.width, picture.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(picture.width * scale));
  canvas.height = Math.max(1, Math.round(picture.height * scale));
  const pen = canvas.getContext("2d");
  pen.fillStyle = "white"; // as the server lays transparency on white
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.imageSmoothingQuality = "high";
  pen.drawImage(picture, 0, 0, canvas.width, canvas.height);
  picture.close();
  return new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.85));
}
