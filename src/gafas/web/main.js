/** The page: takes photos, has them recognized a few at a time, and shows what comes back. */

import { findAnswer, holdsAnswers, takeAnswers } from "./answers.js";
import { refreshCamera, stopCamera } from "./camera.js";
import { makeCard, setCardWidth, showPhoto } from "./cards.js";
import { abilities, prepare, readModel, recognize } from "./engine.js";
import "./key.js";
import { showCondition, showLoading } from "./notice.js";
import { Queue } from "./queue.js";
import { count, getLanguage, say, setLanguage, startLanguage } from "./language.js";
import { offerLearning, refreshLearning } from "./learning.js";
import { refreshOffer, stayOffline } from "./offline.js";
import { patiently } from "./retry.js";
import { readFiles, readTransfer } from "./photos.js";
import { makeThumbnail } from "./thumbnails.js";
import { announce, getFilter, showCounts, watchToolbar } from "./toolbar.js";
import { openLightbox, refreshLightbox } from "./lightbox.js";
import { closeFilm, openFilm, refreshFilm } from "./video.js";

const AT_ONCE = 4;
const A_FEW = 10; // photos whose cards are made at once

const find = (name) => document.querySelector(name);
const grid = find(".grid");
const queue = new Queue(AT_ONCE, work);

let photos = [];
let coming = [];
let labels = ["none", "eyeglasses", "sunglasses"];
let drawing = 0;

async function work(photo, signal) {
  Object.assign(photo, { state: "working", largest: find(".largest").checked });
  refresh(photo);
  const wish = { largest: photo.largest, signal };
  try {
    const known = photo.largest ? null : findAnswer(photo.file, photo.name);
    const ask = () => recognize(photo.file, photo.name, wish);
    photo.take(known ?? (await patiently(ask, signal)));
    refresh(photo);
    const { answer } = photo;
    const picture = await makeThumbnail(photo.file, answer, signal);
    if (photo.answer === answer) photo.picture = picture;
    else URL.revokeObjectURL(picture); // it was asked for again meanwhile
  } catch (error) {
    noteProblem(photo, error, signal);
  }
  if (!photos.includes(photo)) photo.release(); // it was cleared away meanwhile
  refresh(photo);
}

function noteProblem(photo, error, signal) {
  // Who aborts says what the photo is then; with an answer only its small picture is missing.
  if (signal.aborted || photo.answer) return;
  if (error.kind === "refused") photo.refuse(error);
  else photo.fail(error);
}

/** Take photos in, after the files of answers among them; one of no use is shown. */
async function takeAll(given) {
  take(await takeAnswers(given.filter(({ file }) => holdsAnswers(file))));
  take(given.filter(({ file }) => !holdsAnswers(file)));
}

function take(more) {
  if (!more.length) return;
  coming.push(...more);
  document.body.classList.add("has-photos");
  announce(count("live.taken", more.length));
  setTimeout(addSome);
}

/** Add cards a few at a time, or the page would stand still for a moment. */
function addSome(most = A_FEW) {
  const some = coming.splice(0, most);
  if (!some.length) return;
  photos = [...photos, ...some];
  grid.append(...some.map(makeCard));
  queue.add(some.filter(({ state }) => state === "waiting"));
  refresh();
  if (coming.length) setTimeout(addSome);
}

function refresh(photo = null) {
  if (photo) showPhoto(photo);
  if (drawing) return;
  drawing = requestAnimationFrame(() => {
    drawing = 0;
    showAll();
  });
}

function showAll() {
  showCounts(photos, labels);
  const filter = getFilter();
  for (const photo of photos) photo.card.hidden = !matches(photo, filter);
  refreshLearning();
  find(".nothing").hidden = !photos.length || photos.some((photo) => matches(photo, filter));
}

function matches(photo, filter) {
  return filter === "all" || photo.kinds.includes(filter);
}

function cancel() {
  addSome(Infinity);
  queue.cancel();
  for (const photo of photos) {
    if (!["waiting", "working"].includes(photo.state)) continue;
    photo.state = "cancelled";
    showPhoto(photo);
  }
  announce(say("live.cancelled"));
  refresh();
}

function proceed(some) {
  for (const photo of some) photo.reset();
  some.forEach(showPhoto);
  queue.add(some);
  refresh();
}

function clear() {
  coming = [];
  queue.cancel();
  for (const photo of photos) photo.release();
  photos = [];
  grid.replaceChildren();
  document.body.classList.remove("has-photos");
  announce(say("live.cleared"));
  refresh();
  find(".choose").focus();
}

function showTab() {
  const links = [...document.querySelectorAll("nav a")];
  const chosen = links.find(({ hash }) => hash === location.hash) ?? links[0];
  for (const link of links) {
    find(link.hash).hidden = link !== chosen;
    if (link === chosen) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  if (chosen.hash !== "#camera") stopCamera();
  if (chosen.hash !== "#video") closeFilm();
}

function showLanguage() {
  const here = ["localhost", "127.0.0.1", "[::1]"].includes(location.hostname);
  document.title = say("title");
  const there = say(here ? "private.here" : "private.there", { host: location.hostname });
  find(".private").textContent = abilities.elsewhere ? there : say("private.browser");
  for (const button of document.querySelectorAll(".languages button")) {
    button.setAttribute("aria-pressed", button.lang === getLanguage());
  }
  photos.forEach(showPhoto);
  refreshLightbox();
  refreshCamera();
  refreshFilm();
  showCondition();
  refreshOffer();
  refreshLearning();
  refresh();
}

function listen() {
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    document.body.classList.add("dropping");
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) document.body.classList.remove("dropping");
  });
  document.addEventListener("drop", async (event) => {
    event.preventDefault();
    document.body.classList.remove("dropping");
    const [film] = [...event.dataTransfer.files].filter(({ type }) => type.startsWith("video/"));
    location.hash = film ? "#video" : "#photos";
    if (film) openFilm(film);
    else takeAll(await readTransfer(event.dataTransfer));
  });
  document.addEventListener("paste", (event) => takeAll(readFiles(event.clipboardData.files)));
  for (const input of document.querySelectorAll("input[type=file]")) {
    input.addEventListener("change", () => {
      takeAll(readFiles(input.files));
      input.value = ""; // or the same file could not be chosen twice
    });
  }
  find(".largest").addEventListener("change", () => {
    queue.cancel();
    proceed(photos);
  });
  find(".choose").addEventListener("click", () => find("#files").click());
  find(".choose-folder").addEventListener("click", () => find("#folder").click());
}

/** Labels on cards are placed by how much room they have. */
function watchWidth() {
  let known = 0;
  new ResizeObserver(() => {
    const width = grid.firstElementChild?.clientWidth || known;
    if (width === known) return;
    known = width;
    setCardWidth(width);
    photos.forEach(showPhoto);
  }).observe(grid);
}

function listenToGrid() {
  grid.addEventListener("click", ({ target }) => {
    const photo = target.closest(".card")?.photo;
    if (!photo) return;
    if (target.closest(".retry")) proceed([photo]);
    else if (photo.answer?.width) {
      const list = () => photos.filter((one) => one.answer?.width && !one.card.hidden);
      openLightbox(photo, list);
    }
  });
}

async function start() {
  await startLanguage();
  listen();
  listenToGrid();
  watchWidth();
  watchToolbar({ list: () => photos, labels: () => labels, cancel, proceed, clear, refresh });
  for (const button of document.querySelectorAll(".languages button")) {
    button.addEventListener("click", async () => {
      await setLanguage(button.lang, { keep: true });
      showLanguage();
    });
  }
  window.addEventListener("hashchange", showTab);
  showTab();
  showLanguage();
  document.documentElement.classList.add("ready");
  const model = await patiently(() => readModel()).catch(() => ({}));
  ({ labels = labels } = model);
  if (model.adapts) offerLearning({ list: () => photos, labels: () => labels });
  find(".check:has(.largest)").hidden = model.input?.view === "photo"; // it looks for no faces
  refresh();
  if (!abilities.offline) return;
  await prepare(showLoading).catch(() => {}); // each photo will say so
  document.documentElement.classList.add("able");
  showCondition();
  await stayOffline();
}

start();
