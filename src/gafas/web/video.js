/** Films: looked through step by step, shown with boxes, a timeline for each face, a table. */

import { announce, save } from "./toolbar.js";
import { colour, drawFaces, make } from "./drawing.js";
import { packFrame, readModel, recognize } from "./engine.js";
import { Follower } from "./following.js";
import { listIntervals, settle, toTable } from "./intervals.js";
import { count, explainProblem, nameLabel, percent, say } from "./language.js";
import { patiently } from "./retry.js";

const SIDE = 640;
const STEP = 0.2; // seconds between two looks
const MOST_LOOKS = 3000; // a longer film is looked at in longer steps

const section = document.querySelector("#video");
const find = (name) => section.querySelector(name);
const shown = find("video");
const canvas = document.createElement("canvas");

let film = null;

/** Look through a film, and forget the one before. */
export async function openFilm(file) {
  closeFilm();
  const off = new AbortController();
  film = { file, off, url: URL.createObjectURL(file), looks: [], step: STEP, state: "looking" };
  const mine = film;
  try {
    await begin(mine);
    await lookThrough(mine, off.signal);
    finish(mine, "done");
  } catch (error) {
    if (off.signal.aborted) return;
    finish(mine, mine.duration ? "failed" : "unplayable", error);
  }
}

/** Stop looking, and forget the film. */
export function closeFilm() {
  if (!film) return;
  film.off.abort();
  URL.revokeObjectURL(film.url);
  film = null;
  shown.removeAttribute("src");
  shown.load();
  find(".over").replaceChildren();
  refreshFilm();
}

/** Say it in another language. */
export function refreshFilm() {
  find(".live").hidden = !film?.duration;
  find(".stop-film").hidden = film?.state !== "looking";
  find(".film-csv").hidden = !film?.intervals?.length;
  find(".word").textContent = film ? describe(film) : say("video.hint");
  find(".timeline").replaceChildren(...(film?.intervals ? makeLanes(film) : []));
  movePointer();
}

function describe({ state, at = 0, duration = 1, intervals, error }) {
  if (state === "looking") return say("video.looking", { percent: percent(at / duration) });
  if (state === "failed") return explainProblem(error);
  if (state === "unplayable") return say("video.unplayable");
  const faces = new Set(intervals.map(({ face }) => face)).size;
  return faces ? count("faces", faces) : say("state.no-face");
}

async function begin(mine) {
  mine.looker = document.createElement("video");
  Object.assign(mine.looker, { muted: true, preload: "auto", src: mine.url });
  shown.src = mine.url;
  refreshFilm();
  await until(mine.looker, "loadeddata", mine.off.signal);
  const { duration, videoWidth: width, videoHeight: height } = mine.looker;
  if (!Number.isFinite(duration) || !width) throw new DOMException("", "NotSupportedError");
  Object.assign(mine, { duration, step: Math.max(STEP, duration / MOST_LOOKS) });
  const scale = Math.min(1, SIDE / Math.max(width, height));
  [canvas.width, canvas.height] = [width, height].map((length) => Math.round(length * scale));
  const stage = find(".stage");
  stage.style.aspectRatio = `${width} / ${height}`;
  stage.style.setProperty("--shape", width / height);
  refreshFilm();
}

async function lookThrough(mine, signal) {
  mine.threshold = (await patiently(() => readModel(signal), signal)).threshold;
  const follower = new Follower(mine.threshold);
  for (let at = 0; at < mine.duration; at += mine.step) {
    await seek(mine.looker, at, signal);
    canvas.getContext("2d").drawImage(mine.looker, 0, 0, canvas.width, canvas.height);
    const frame = await packFrame(canvas);
    const text = await patiently(() => recognize(frame, mine.file.name, { signal }), signal);
    signal.throwIfAborted();
    const { answer } = follower.take(JSON.parse(text), at);
    mine.looks.push({ time: at, ...answer });
    mine.at = at;
    find(".word").textContent = describe(mine);
    if (Math.abs(shown.currentTime - at) < mine.step) drawNow();
  }
}

async function seek(video, time, signal) {
  if (Math.abs(video.currentTime - time) < 0.001) return;
  const there = until(video, "seeked", signal);
  video.currentTime = time;
  await there;
}

/** Wait for an event of a video; what it cannot play, it will never tell otherwise. */
function until(video, event, signal) {
  return new Promise((done, refuse) => {
    video.addEventListener(event, done, { once: true, signal });
    const fail = () => refuse(video.error ?? new DOMException("", "NotSupportedError"));
    video.addEventListener("error", fail, { once: true, signal });
    signal.addEventListener("abort", () => refuse(signal.reason), { once: true });
  });
}

function finish(mine, state, error = null) {
  mine.looker.removeAttribute("src");
  mine.looker.load();
  mine.looks = settle(mine.looks, mine.threshold);
  const intervals = listIntervals(mine.looks, mine.step);
  Object.assign(mine, { state, error, intervals });
  refreshFilm();
  drawNow();
  announce(describe(mine));
}

function makeLanes({ intervals, duration }) {
  const faces = [...new Set(intervals.map(({ face }) => face))];
  return faces.map((face) => {
    const own = intervals.filter((one) => one.face === face);
    const lane = make("span", { kind: "lane", holds: own.map((one) => makePart(one, duration)) });
    const name = make("span", { kind: "note", text: say("lightbox.face", { at: face }) });
    return make("li", { holds: [name, lane] });
  });
}

function makePart({ label, from, to, probability }, duration) {
  const part = make("button", { kind: `part ${colour(label)}` });
  const end = Math.min(to, duration);
  part.type = "button";
  part.style.left = `${(100 * from) / duration}%`;
  part.style.width = `${(100 * (end - from)) / duration}%`;
  const values = { label: nameLabel(label), percent: percent(probability) };
  const words = { what: say("face.sure", values), from: clock(from), to: clock(end) };
  part.setAttribute("aria-label", say("video.part", words));
  part.title = say("video.part", words);
  part.addEventListener("click", () => (shown.currentTime = from));
  return part;
}

function clock(seconds) {
  const whole = Math.floor(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

/** Draw the faces of the look that comes nearest to what is shown. */
function drawNow() {
  const { looks = [], step = STEP } = film ?? {};
  const look = looks[Math.min(looks.length - 1, Math.round(shown.currentTime / step))];
  if (!look) return;
  const { width } = find(".stage").getBoundingClientRect();
  drawFaces(find(".over"), look, { shown: width });
}

function movePointer() {
  const at = film?.duration ? shown.currentTime / film.duration : 0;
  find(".timeline").style.setProperty("--at", at);
}

find(".choose-film").addEventListener("click", () => find("input").click());
find("input").addEventListener("change", ({ target }) => {
  const [file] = target.files;
  target.value = "";
  if (file) openFilm(file);
});
find(".stop-film").addEventListener("click", () => {
  const mine = film;
  mine.off.abort();
  finish(mine, "done");
});
find(".film-csv").addEventListener("click", () => {
  save("gafas-video.csv", "text/csv", toTable(film.file.name, film.intervals));
});
for (const event of ["timeupdate", "seeked"]) {
  shown.addEventListener(event, () => {
    drawNow();
    movePointer();
  });
}
new ResizeObserver(drawNow).observe(find(".stage"));
