/** Answers that `gafas batch` has kept: a file that has one need not be sent. */

import { abilities, readAnswers } from "./engine.js";
import { patiently } from "./retry.js";

const kept = new Map();

/** Say whether a file holds kept answers, which the engine can read, and no photo. */
export function holdsAnswers(file) {
  return abilities.answers && file.name.toLowerCase().endsWith(".parquet");
}

/** Keep the answers of files as long as the page is open; return the files that are of no use. */
export async function takeAnswers(given) {
  const refused = [];
  for (const one of given) {
    try {
      await patiently(() => keepAnswers(one.file));
    } catch (error) {
      one.refuse(error);
      refused.push(one);
    }
  }
  return refused;
}

async function keepAnswers(file) {
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
