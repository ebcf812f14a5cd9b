/** The thread in which photos are recognized, one by one: the page stays free meanwhile. */

import * as ort from "./ort/ort.wasm.min.mjs";

import { openPhoto, openShown } from "./decoding.js";
import { fetchAll } from "./files.js";
import { openParts } from "./opening.js";
import { Recognizer } from "./recognizer.js";
import { writeText } from "./results.js";

const FILES = [
  "./ort/ort-wasm-simd-threaded.wasm.gz",
  "./models/retinaface.onnx.planes.gz",
  "./models/eyewear.onnx.planes.gz",
];
const MOST_THREADS = 4;

const abandoned = new Set();
let opening = null;
let turn = Promise.resolve();

function open({ threads } = {}) {
  opening ??= load(threads).catch((error) => {
    opening = null; // what could not be fetched may be there the next time
    throw error;
  });
  return opening;
}

async function load(threads) {
  const tell = (loaded) => postMessage({ loaded });
  const [runtime, detector, classifier] = await fetchAll(FILES.map(find), tell);
  ort.env.wasm.wasmBinary = runtime;
  ort.env.wasm.wasmPaths = { mjs: find("./ort/ort-wasm-simd-threaded.mjs") };
  ort.env.wasm.numThreads = threads ?? countThreads();
  const parts = await openParts(ort, { detector, classifier });
  return new Recognizer(parts.detector, parts.classifier);
}

function find(path) {
  return new URL(path, import.meta.url).href;
}

/** Return how many threads may work: only isolated pages have any, and one is left to the page. */
function countThreads() {
  if (!self.crossOriginIsolated) return 1;
  return Math.max(1, Math.min(MOST_THREADS, navigator.hardwareConcurrency - 1));
}

async function recognize({ blob, shown, name, largest }) {
  const recognizer = await open();
  const source = shown ? openShown(shown, shown) : await openPhoto(blob, name);
  shown?.close();
  return writeText(await recognizer.recognize(source, { name, largest }));
}

async function describe(options) {
  return (await open(options)).model;
}

async function answer({ id, action, ...wish }) {
  if (abandoned.delete(id)) return;
  try {
    postMessage({ id, value: await { recognize, describe }[action](wish) });
  } catch (error) {
    const { name, message, reason = "failed", limit = null } = error;
    postMessage({ id, problem: { name, message, reason, limit } });
  }
}

self.addEventListener("message", ({ data }) => {
  if (data.action === "give-up") abandoned.add(data.id);
  else turn = turn.then(() => answer(data));
});
