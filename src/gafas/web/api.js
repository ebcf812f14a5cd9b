/** The engine `server`: one request each. What goes wrong is an ApiError of one of a few kinds. */

import { getLanguage } from "./language.js";

const KEY = "gafas-api-key";
const QUALITY = 0.85;

/** Photos go to the computer that serves the page, and without it there is nothing. */
export const abilities = { answers: true, heat: true, elsewhere: true, offline: false };

/**
 * What a request came to, if not to an answer. Its kind is "offline" (nobody answers), "busy" (try
 * again after `wait` seconds), "key" (an API key is wanted), "refused" (the photo is no good),
 * "gone" (the file cannot be read any more) or "failed". What the server said is its `detail`, in
 * English, its `reason`, one word for it, and the `limit` that was exceeded, if one was.
 */
export class ApiError extends Error {
  constructor(kind, { detail = "", reason = kind, limit = null, status = null, wait = 1 } = {}) {
    super(detail || kind);
    Object.assign(this, { kind, detail, reason, limit, status, wait });
  }
}

/** The server is ready when it answers. */
export async function prepare() {}

/** Return what is sent of a frame on a canvas. */
export function packFrame(canvas) {
  return new Promise((done) => canvas.toBlob(done, "image/jpeg", QUALITY));
}

/** Recognize a photo, or only its `largest` face; return the JSON object's text, as it came. */
export async function recognize(photo, name, { largest = false, signal }) {
  const path = `/v1/recognize?name=${encodeURIComponent(name)}`;
  const response = await send(`${path}${largest ? "&largest=true" : ""}`, photo, signal);
  return (await read(response.text(), signal)).trim();
}

/** Return the photo, upright, as a picture that every browser can show. */
export async function convert(photo, signal) {
  const response = await send("/v1/annotate?plain=true", photo, signal);
  return read(response.blob(), signal);
}

/** Return the heat map of a photo, or of its `largest` face, in the page's language. */
export async function explain(photo, { largest, signal }) {
  const response = await send(`/v1/explain${largest ? "?largest=true" : ""}`, photo, signal);
  return read(response.blob(), signal);
}

/** Return the answers that a file of `gafas batch` holds, with size and time of each file. */
export async function readAnswers(file, signal) {
  const response = await send("/v1/answers", file, signal);
  return read(response.json(), signal);
}

/** Return what the model sees in a photo's faces, or its `largest`: what labels are learnt from. */
export async function seeFaces(photo, { largest, signal }) {
  const response = await send(`/v1/features${largest ? "?largest=true" : ""}`, photo, signal);
  return read(response.json(), signal);
}

/** Have faces and their labels learnt; return how good that is, and the new model file. */
export async function adapt(lesson, signal) {
  const headers = { "Content-Type": "application/json" };
  const request = { method: "POST", body: JSON.stringify(lesson), headers, signal };
  return read((await call("/v1/adapt", request)).json(), signal);
}

/** Return what the server says about its model. */
export async function readModel(signal) {
  return (await call("/v1/model", { signal })).json();
}

/** Return the card of the model that ships with the server, as HTML. */
export async function readModelCard(signal) {
  return (await call("/static/model-card.html", { signal })).text();
}

/** Return the description of the HTTP interface. */
export async function readDescription(signal) {
  return (await call("/openapi.json", { signal })).json();
}

/** Say whether the server answers at all. */
export async function isAlive() {
  try {
    return (await fetch("/healthz", { cache: "no-store" })).ok;
  } catch {
    return false;
  }
}

/** Keep the API key as long as this tab is open, and no longer. */
export function keepKey(key) {
  sessionStorage.setItem(KEY, key);
}

async function send(path, photo, signal) {
  let body;
  try {
    body = await photo.arrayBuffer(); // a file that was moved must not look like a lost server
  } catch {
    throw new ApiError("gone");
  }
  const headers = { "Content-Type": "application/octet-stream", "Accept-Language": getLanguage() };
  return call(path, { method: "POST", body, headers, signal });
}

async function call(path, { headers = {}, ...request }) {
  const key = sessionStorage.getItem(KEY);
  const all = key ? { ...headers, "X-API-Key": key } : headers;
  const asked = fetch(path, { ...request, headers: all, cache: "no-store" });
  const response = await read(asked, request.signal);
  if (response.ok) return response;
  throw await explainRefusal(response);
}

async function read(coming, signal) {
  try {
    return await coming;
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError("offline");
  }
}

async function explainRefusal(response) {
  const problem = await response.json().catch(() => ({}));
  const { status } = response;
  const { detail = `HTTP ${status}`, reason = "http", limit } = problem;
  const said = { detail, reason, limit, status };
  if (status === 401) return new ApiError("key", said);
  if (status === 503) return new ApiError("busy", { ...said, wait: readWait(response) });
  return new ApiError([400, 413, 415, 422].includes(status) ? "refused" : "failed", said);
}

function readWait(response) {
  const seconds = Number(response.headers.get("Retry-After"));
  return seconds > 0 ? Math.min(seconds, 30) : 1;
}
