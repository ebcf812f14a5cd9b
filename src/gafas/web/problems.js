/** What went wrong, in the page's language: the server gives a word, the page the sentence. */

import { knows, precisely, say } from "./language.js";

const UNITS = { "too-many-bytes": 2 ** 20, "too-many-pixels": 1e6 };

/** Say what an error means for a person. */
export function tell({ reason, limit, status }) {
  const key = `problem.${reason}`;
  const values = { status, limit: precisely(limit / (UNITS[reason] ?? 1)) };
  if (knows(key)) return say(key, values);
  return say(status ? "problem.http" : "problem.failed", values);
}
