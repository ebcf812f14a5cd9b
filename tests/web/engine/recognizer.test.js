import assert from "node:assert/strict";
import fs from "node:fs";
import test from "node:test";

import * as ort from "onnxruntime-web/wasm";

import { calibrate, Classifier } from "../../../src/gafas/web/engine/classifier.js";
import { openParts } from "../../../src/gafas/web/engine/opening.js";
import { Recognizer } from "../../../src/gafas/web/engine/recognizer.js";
import { writeText } from "../../../src/gafas/web/engine/results.js";
import { assertNear, assertSameFaces, readCases, toImage } from "./vectors.js";

const MODELS = new URL("../../../src/gafas/models/", import.meta.url);
const read = (name) => new Uint8Array(fs.readFileSync(new URL(name, MODELS)));

ort.env.wasm.numThreads = 1;
const contents = { detector: read("retinaface.onnx"), classifier: read("eyewear.onnx") };
const { detector, classifier } = await openParts(ort, contents);

test("the same faces are found by the same looks, in turned photos and in crowds too", async () => {
  for (const { name, image, least, faces } of readCases("detections")) {
    const found = await detector.detect(toImage(image), least);
    const near = { pixels: 0.02, confidence: 1e-4 };
    assert.doesNotThrow(() => assertSameFaces(found, faces, near), `${name}, ${least}`);
  }
});

test("the model says the same of the same crops, and of what is a face", async () => {
  for (const one of readCases("looks")) {
    assert.deepEqual(classifier.metadata, one.metadata);
    const [count, ...shape] = one.batch.shape;
    const size = shape.reduce((product, length) => product * length);
    const crops = Array.from({ length: count }, (_, at) => {
      return one.batch.data.subarray(at * size, (at + 1) * size);
    });
    const looks = await classifier.look(crops);
    assertNear(looks.flatMap((look) => look.probabilities), one.probabilities.data, 1e-4);
    assertNear(looks.map((look) => look.doubt), one.doubts.data, 1e-4);
    const sure = looks.map((_, at) => {
      return calibrate(one.check, one.confidences.data[at], one.doubts.data[at]);
    });
    assertNear(sure, one.sure.data, 1e-9);
  }
});

test("a photo's answer is the text that Python writes, but for the last digit", async () => {
  const recognizer = new Recognizer(detector, classifier);
  for (const { name, image, text } of readCases("recognitions")) {
    const shown = toImage(image);
    const source = { load: async () => ({ ...shown, image: shown }) };
    const answer = writeText(await recognizer.recognize(source, { name }));
    const numbers = /-?\d+\.\d+/g;
    assert.equal(answer.replace(numbers, "#"), text.replace(numbers, "#"));
    assertNear(answer.match(numbers) ?? [], text.match(numbers) ?? [], 0.1001);
  }
});

test("of several faces the largest can be asked for alone", async () => {
  const recognizer = new Recognizer(detector, classifier);
  const { image } = readCases("recognitions").find(({ name }) => name.includes("two.jpg"));
  const source = { load: async () => ({ ...toImage(image), image: toImage(image) }) };
  const { faces } = await recognizer.recognize(source, { name: "two" });
  const wish = { name: "two", largest: true };
  const [alone, ...others] = (await recognizer.recognize(source, wish)).faces;
  assert.equal(faces.length, 2);
  assert.equal(others.length, 0);
  const area = ({ box: [x1, y1, x2, y2] }) => (x2 - x1) * (y2 - y1);
  assert.equal(area(alone), Math.max(...faces.map(area)));
});

test("a model that gafas did not make is refused", () => {
  assert.throws(() => new Classifier(contents.detector, null), /not made by gafas/);
});
