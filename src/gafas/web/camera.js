/** The camera: live boxes and labels. One frame is under way at a time; none waits in a queue. */

import { describe, makeLines } from "./bars.js";
import { drawFaces, make } from "./drawing.js";
import { packFrame, readModel, recognize } from "./engine.js";
import { Follower } from "./following.js";
import { count, explainProblem, say, short } from "./language.js";
import { patiently } from "./retry.js";
import { announce } from "./toolbar.js";

const SIDE = 640;
const REMEMBERED_MS = 5000;

const section = document.querySelector("#camera");
const find = (name) => section.querySelector(name);
const video = find("video");
const canvas = document.createElement("canvas");

let running = null;
let answer = null;
let answered = [];

/** Start the camera and answer frame after frame until it is stopped. */
export async function startCamera() {
  if (running) return;
  running = new AbortController();
  const { signal } = running;
  show("asking");
  try {
    const stream = await openCamera();
    signal.addEventListener("abort", () => release(stream));
    if (signal.aborted) return release(stream);
    stream.getVideoTracks()[0].addEventListener("ended", () => stopCamera("lost"));
    video.srcObject = stream;
    await video.play();
    show("live");
    find(".stop").focus();
    await watch(signal);
  } catch (error) {
    if (!signal.aborted) stopCamera(findReason(error), error);
  }
}

/** Stop the camera really: its light goes out. */
export function stopCamera(state = "idle", error = null) {
  if (!running) return;
  running.abort();
  running = null;
  answer = null;
  answered = [];
  find(".over").replaceChildren();
  show(state, error);
}

/** Say it in another language. */
export function refreshCamera() {
  show(section.dataset.state);
  if (answer) showAnswer();
}

function openCamera() {
  if (!navigator.mediaDevices) throw new DOMException("", "SecurityError");
  const wanted = { facingMode: "user", width: { ideal: 1280 }, height: { ideal: 720 } };
  return navigator.mediaDevices.getUserMedia({ video: wanted, audio: false });
}

function findReason({ name }) {
  if (name === "NotAllowedError") return "refused";
  if (name === "SecurityError") return "insecure";
  if (["NotFoundError", "OverconstrainedError"].includes(name)) return "missing";
  return name === "NotReadableError" ? "taken" : "failed";
}

function release(stream) {
  for (const track of stream.getTracks()) track.stop();
  video.srcObject = null;
}

async function watch(signal) {
  const { threshold } = await patiently(() => readModel(signal), signal);
  const follower = new Follower(threshold);
  while (!signal.aborted) {
    await nextFrame();
    if (signal.aborted) return;
    const frame = await takeFrame();
    if (!frame) continue;
    const began = performance.now();
    const text = await patiently(() => recognize(frame, "camera.jpg", { signal }), signal);
    if (signal.aborted) return;
    const now = performance.now();
    const followed = follower.take(JSON.parse(text), now / 1000);
    answer = followed.answer;
    if (followed.news.length) announce(describe(followed.news));
    measure(now - began);
    showAnswer();
  }
}

function nextFrame() {
  // A hidden tab gets no animation frames, and so sends nothing.
  return new Promise((done) => requestAnimationFrame(done));
}

function takeFrame() {
  const { videoWidth: width, videoHeight: height } = video;
  if (!width) return null;
  const scale = Math.min(1, SIDE / Math.max(width, height));
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  canvas.getContext("2d").drawImage(video, 0, 0, canvas.width, canvas.height);
  return packFrame(canvas);
}

function measure(took) {
  const now = performance.now();
  const recent = answered.filter((one) => now - one < REMEMBERED_MS);
  answered = [...(recent.length ? recent : answered.slice(-1)), now];
  const rate = (1000 * (answered.length - 1)) / (now - answered[0] || 1);
  section.dataset.answers = Number(section.dataset.answers ?? 0) + 1;
  const values = { rate: short(rate), ms: Math.round(took) };
  find(".rate").textContent = rate ? say("camera.rate", values) : "";
}

function showAnswer() {
  const stage = find(".stage");
  stage.style.aspectRatio = `${answer.width} / ${answer.height}`;
  stage.style.setProperty("--shape", answer.width / answer.height);
  const { width } = stage.getBoundingClientRect();
  const mirror = find(".mirror").checked;
  drawFaces(find(".over"), answer, { shown: width, mirror });
  const none = make("p", { kind: "note", text: say("state.no-face") });
  find(".lines").replaceChildren(...(answer.faces.length ? makeLines(answer.faces) : [none]));
  find(".found").textContent = count("faces", answer.faces.length);
}

function show(state, error = null) {
  section.dataset.state = state;
  const live = state === "live";
  find(".start").hidden = live || state === "asking";
  find(".stop").hidden = !live && state !== "asking";
  find(".screen").hidden = !live;
  find(".beside").hidden = !live;
  find(".message").hidden = live;
  find(".message h2").textContent = say(`camera.${state}.title`);
  find(".message p").textContent = say(`camera.${state}.text`);
  if (error?.reason) find(".message p").append(` ${explainProblem(error)}`);
}

find(".start").addEventListener("click", startCamera);
find(".stop").addEventListener("click", () => {
  stopCamera();
  find(".start").focus();
});
find(".mirror").addEventListener("change", ({ target }) => {
  find(".stage").classList.toggle("mirrored", target.checked);
  if (answer) showAnswer();
});
window.addEventListener("pagehide", () => stopCamera());
