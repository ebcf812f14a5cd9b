import assert from "node:assert/strict";
import test from "node:test";

import { Follower } from "../../../src/gafas/web/following.js";
import { listIntervals, settle, toTable } from "../../../src/gafas/web/intervals.js";

const THRESHOLD = 0.9;
const RATE = 15; // frames a second

function face(x, sunglasses, side = 40) {
  const probabilities = { none: 1 - sunglasses, sunglasses };
  const label = sunglasses > 0.5 ? "sunglasses" : "none";
  const landmarks = Array.from({ length: 5 }, () => [x, 10]);
  return { box: [x, 0, x + side, side], landmarks, confidence: 0.99, label, probabilities };
}

/** Follow the faces of frames, each a list, and return what came of each frame. */
function follow(frames) {
  const follower = new Follower(THRESHOLD);
  const size = { photo: "camera", width: 640, height: 480, error: null };
  return frames.map((faces, at) => follower.take({ ...size, faces }, at / RATE));
}

test("a face keeps its number while it moves, and beside others", () => {
  const frames = Array.from({ length: 30 }, (_, at) => [face(at * 4, 0.99), face(400 - at, 0.01)]);
  const ids = follow(frames).map(({ answer }) => answer.faces.map(({ id }) => id));
  assert.deepEqual(new Set(ids.map(String)), new Set(["1,2"]));
});

test("boxes that tremble are steadied, and fast faces are not left behind", () => {
  const trembling = Array.from({ length: 60 }, (_, at) => [face(100 + 6 * (at % 2), 0.99)]);
  const places = follow(trembling).slice(30).map(({ answer }) => answer.faces[0].box[0]);
  assert.ok(Math.max(...places) - Math.min(...places) < 4);
  const fast = Array.from({ length: 20 }, (_, at) => [face(20 * at, 0.99)]);
  const [last] = follow(fast).at(-1).answer.faces;
  assert.ok(Math.abs(last.box[0] - 380) < 12);
});

test("an answer that flickers is said once, and does not flicker", () => {
  const frames = Array.from({ length: 60 }, (_, at) => [face(100, at % 4 ? 0.99 : 0.7)]);
  const told = follow(frames);
  assert.deepEqual(told.flatMap(({ news }) => news.map(({ label }) => label)), ["sunglasses"]);
  const late = told.slice(RATE).map(({ answer }) => answer.faces[0].label);
  assert.deepEqual(new Set(late), new Set(["sunglasses"]));
});

test("glasses that are put on are said within two seconds, once", () => {
  const frames = Array.from({ length: 75 }, (_, at) => [face(100, at < 30 ? 0.01 : 0.99)]);
  const told = follow(frames);
  const news = told.flatMap((one, at) => one.news.map(({ label }) => [label, at / RATE]));
  assert.deepEqual(news.map(([label]) => label), ["none", "sunglasses"]);
  assert.ok(news.at(-1)[1] < 2 + 2);
  const unsure = follow(Array.from({ length: 60 }, () => [face(100, 0.6)]));
  const labels = unsure.flatMap((one) => one.news.map(({ label }) => label));
  assert.deepEqual(labels, ["unsure"]);
});

test("a face that is away for a moment is the same, and for longer another", () => {
  const frames = (gap) => [
    ...Array.from({ length: 10 }, () => [face(100, 0.99)]),
    ...Array.from({ length: gap }, () => []),
    ...Array.from({ length: 10 }, () => [face(100, 0.99)]),
  ];
  assert.equal(follow(frames(3)).at(-1).answer.faces[0].id, 1);
  assert.equal(follow(frames(30)).at(-1).answer.faces[0].id, 2);
  assert.deepEqual(follow(frames(30))[25].answer.faces, []);
});

test("intervals join what a face wears but for moments, and a table lists them", () => {
  const at = (time, ...faces) => ({ time, faces: faces.map((face) => face(time)) });
  const one = (id, label, value) => (time) => {
    const rest = label === "none" ? "sunglasses" : "none";
    return { id, latest: { time, probabilities: { [label]: value, [rest]: 1 - value } } };
  };
  const looks = [
    at(0, one(4, "none", 0.96)),
    at(0.2, one(4, "none", 0.96)),
    at(0.4, one(9, "none", 1)), // seen once: nobody
    at(0.6, one(4, "sunglasses", 0.6)), // a moment's doubt
    at(0.8, one(4, "none", 0.96), one(5, "sunglasses", 0.98)),
    at(1, one(4, "none", 0.96), one(5, "sunglasses", 0.98)),
    at(4, one(4, "sunglasses", 0.94), one(5, "sunglasses", 0.98)),
    at(4.2, one(4, "sunglasses", 0.94)),
  ];
  const table = toTable("=film.webm", listIntervals(settle(looks, 0.9), 0.2));
  assert.deepEqual(table.split("\n"), [
    "video,face,from,to,label,probability",
    "'=film.webm,1,0.00,1.20,none,0.960",
    "'=film.webm,1,4.00,4.40,sunglasses,0.940",
    "'=film.webm,2,0.80,1.20,sunglasses,0.980",
    "'=film.webm,2,4.00,4.20,sunglasses,0.980",
    "",
  ]);
});
