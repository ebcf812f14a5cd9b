/** What the tests in a browser call, beside the engine; files and pixels travel in base64. */

import { openPhoto } from "./engine/decoding.js";
import { recognizeAsText } from "./engine/gafas.js";

function toBlob(text) {
  return new Blob([Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0))]);
}

function toText(bytes) {
  let text = "";
  for (let at = 0; at < bytes.length; at += 8192) {
    text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  }
  return btoa(text);
}

/** Return a hash of a file's pixels, decoded no smaller than `side`; with `pixels` these, too. */
window.load = async ({ file, side, pixels = false, without = [] }) => {
  for (const name of without) delete globalThis[name];
  const source = await openPhoto(toBlob(file), "photo");
  const { image, width, height } = await source.load({ side });
  const digest = toText(new Uint8Array(await crypto.subtle.digest("SHA-256", image.data)));
  const shape = [image.height, image.width, 4];
  return { digest, shape, width, height, pixels: pixels ? toText(image.data) : null };
};

/** Return the text of an answer, or the reason why there is none. */
window.recognize = async ({ file, name, ...options }) => {
  try {
    return { text: await recognizeAsText(toBlob(file), { name, ...options }) };
  } catch ({ name: kind, reason, message }) {
    return { kind, reason, message };
  }
};
