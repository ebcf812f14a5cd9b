/** What Python wrote for each stage (`tools/parity_vectors.py`), and how near an answer must be. */

import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";

const FOLDER = process.env.GAFAS_VECTORS;
const ARRAYS = {
  uint8: Uint8Array, float32: Float32Array, float64: Float64Array, int64: BigInt64Array,
};

/** Return the cases of a stage; there must be some. */
export function readCases(stage) {
  const cases = JSON.parse(fs.readFileSync(path.join(FOLDER, `${stage}.json`), "utf8"));
  assert.ok(cases.length > 0);
  return cases.map(unpack);
}

/** Return an RGB array as an image. */
export function toImage({ shape: [height, width], data }) {
  const image = { data: new Uint8ClampedArray(4 * width * height), width, height };
  for (let at = 0; at < width * height; at += 1) {
    image.data.set(data.subarray(3 * at, 3 * at + 3), 4 * at);
  }
  return image;
}

/** Return the rows of a two-dimensional array. */
export function toRows({ shape: [count, columns], data }) {
  return Array.from({ length: count }, (_, at) => data.slice(at * columns, (at + 1) * columns));
}

/** Assert that an image is to the byte what Python made. */
export function assertSameImage(image, expected) {
  assert.deepEqual([image.height, image.width], expected.shape.slice(0, 2));
  const wanted = toImage(expected).data;
  const at = image.data.findIndex((value, place) => place % 4 < 3 && value !== wanted[place]);
  assert.equal(at, -1, `byte ${at}: ${image.data[at]} instead of ${wanted[at]}`);
}

/** Assert that numbers, one after the other, are near. */
export function assertNear(found, expected, tolerance) {
  assert.equal(found.length, expected.length);
  [...found].forEach((value, at) => {
    const off = Math.abs(value - expected[at]);
    assert.ok(off <= tolerance, `number ${at}: ${value} instead of ${expected[at]}`);
  });
}

/** Assert that faces are where Python found them. */
export function assertSameFaces(found, expected, { pixels, confidence }) {
  assert.equal(found.length, expected.length);
  found.forEach((face, at) => {
    assertNear(face.box, expected[at].box, pixels);
    assertNear(face.landmarks.flat(), expected[at].landmarks.flat(), pixels);
    assertNear([face.confidence ?? -1], [expected[at].confidence ?? -1], confidence);
  });
}

function unpack(value) {
  if (Array.isArray(value)) return value.map(unpack);
  if (value === null || typeof value !== "object") return value;
  if (!value.file) {
    return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, unpack(one)]));
  }
  const content = new Uint8Array(fs.readFileSync(path.join(FOLDER, value.file)));
  if (!value.shape) return content;
  const Numbers = ARRAYS[value.type];
  return { shape: value.shape, data: new Numbers(content.buffer) };
}
