/** Answers that `gafas batch` has kept: a file that has one need not be sent. */

import { readAnswers } from "./api.js";

const kept = new Map();

/** Say whether a file holds kept answers, and no photo. */
export function holdsAnswers(file) {
  return file.name.toLowerCase().endsWith(".parquet");
}

/** Have the server read a file of answers, and keep them as long as the page is open. */
export async function keepAnswers(file) {
  for (const { bytes, modified, answer } of await readAnswers(file)) {
    const { photo } = JSON.parse(answer);
    kept.set(describe(photo.split(/[/\\]/).at(-1), bytes, modified), answer);
  }
}

/** Return the text of the answer that was kept for a file, if its name, size and time are those. */
export function findAnswer(file, name) {
  const answer = kept.get(describe(file.name, file.size, file.lastModified));
  const path = /^\{"photo": "(?:[^"\\]|\\.)*"/;
  return answer?.replace(path, () => `{"photo": ${JSON.stringify(name)}`);
}

function describe(name, bytes, modified) {
  return `${bytes} ${modified} ${name}`;
}
