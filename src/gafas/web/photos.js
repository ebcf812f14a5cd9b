/** The photos that were given, what became of each, and what is counted and downloaded of them. */

import { holdsAnswers } from "./answers.js";
import { unreadable } from "./downloads.js";

/** Endings of the files that are taken from a folder; a file named by itself is always tried. */
export const ENDINGS = [
  "jpg", "jpeg", "webp", "avif", "heic", "heif", "png", "gif", "bmp", "tif", "tiff", "pgm", "ppm",
];

/**
 * One photo. Its state is "waiting", "working", "answered", "failed" (no answer; it may be tried
 * again) or "cancelled". `text` is the JSON object as the server wrote it, `answer` that object,
 * `problem` the error where there is none, or none but that it cannot be read. With `largest` it
 * is of the largest face alone.
 */
export class Photo {
  state = "waiting";
  text = null;
  answer = null;
  problem = null;
  picture = null;
  largest = false;
  taught = new Map(); // the right label of faces, by their number, as a person says
  seen = null; // what the model sees in them, where that was asked for

  constructor(file, name) {
    Object.assign(this, { file, name });
  }

  /** Take the server's answer. */
  take(text) {
    Object.assign(this, { state: "answered", text, answer: JSON.parse(text), problem: null });
  }

  /** Take the server's word that this is no readable photo: an answer, too. */
  refuse(error) {
    this.take(unreadable(this.name, error.detail));
    this.problem = error;
  }

  /** Note that there is no answer, and why. */
  fail(error) {
    Object.assign(this, { state: "failed", problem: error });
  }

  /** Wait for an answer, and forget what there was. */
  reset() {
    this.release();
    Object.assign(this, { state: "waiting", text: null, answer: null, problem: null });
    Object.assign(this, { taught: new Map(), seen: null });
  }

  /** Say under which filters this photo is found. */
  get kinds() {
    if (this.state === "failed" || this.answer?.error) return ["error"];
    if (!this.answer) return [];
    if (!this.answer.faces.length) return ["no-face"];
    return [...new Set(this.answer.faces.map((face) => face.label))];
  }

  /** Free what the browser keeps for the picture. */
  release() {
    if (this.picture) URL.revokeObjectURL(this.picture);
    this.picture = null;
  }
}

/** Count the photos under each filter. */
export function countKinds(photos) {
  const counts = new Map();
  for (const kind of photos.flatMap((photo) => photo.kinds)) {
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  return counts;
}

/** Return the answers' texts, in the photos' order. */
export function collectTexts(photos) {
  return photos.filter((photo) => photo.text !== null).map((photo) => photo.text);
}

/** Return the photos of a drop or a paste, and files of answers, folders searched to the bottom. */
export async function readTransfer(transfer) {
  const files = [...transfer.files];
  const items = [...transfer.items].filter(({ kind }) => kind === "file");
  // A folder has no type; asking of hundreds of photos what they are would take too long.
  const folders = items.map((item) => (item.type ? null : findFolder(item)));
  if (!folders.some(Boolean)) return readFiles(files);
  const found = folders.map((folder, at) => (folder ? readEntry(folder) : readFiles([files[at]])));
  return (await Promise.all(found)).flat();
}

/** Return the photos of a list of files; of a chosen folder only what is named like one. */
export function readFiles(files) {
  return [...files]
    .filter((file) => !file.webkitRelativePath || isWanted(file))
    .map((file) => new Photo(file, file.webkitRelativePath || file.name));
}

function findFolder(item) {
  const entry = item.webkitGetAsEntry?.();
  return entry?.isDirectory ? entry : null;
}

async function readEntry(entry) {
  if (entry.isDirectory) {
    const found = (await listFolder(entry)).sort((one, two) => (one.name < two.name ? -1 : 1));
    return (await Promise.all(found.map(readEntry))).flat();
  }
  if (!isWanted(entry)) return [];
  const file = await new Promise((done, fail) => entry.file(done, fail)).catch(() => null);
  return file ? [new Photo(file, entry.fullPath.replace(/^\//, ""))] : [];
}

async function listFolder(folder) {
  const reader = folder.createReader();
  const all = [];
  for (;;) {
    const some = await new Promise((done) => reader.readEntries(done, () => done([])));
    if (!some.length) return all;
    all.push(...some); // a browser hands out a hundred at a time
  }
}

function isWanted(file) {
  if (holdsAnswers(file)) return true;
  const [, ending] = file.name.toLowerCase().match(/^[^.].*\.(\w+)$/) ?? [];
  return ENDINGS.includes(ending);
}
