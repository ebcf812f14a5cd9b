import assert from "node:assert/strict";
import test from "node:test";

import { chooseReduction } from "../../../src/gafas/web/engine/decoding.js";
import { chooseSides } from "../../../src/gafas/web/engine/detector.js";
import { roundTo, writeText } from "../../../src/gafas/web/engine/results.js";
import { readCases } from "./vectors.js";

test("numbers are rounded and written as Python does it, halves and minus nought too", () => {
  for (const { value, shown } of readCases("numbers")) {
    for (const [decimals, text] of Object.entries(shown)) {
      const face = { box: [roundTo(value, Number(decimals))], landmarks: [], probabilities: {} };
      const photo = { photo: "a", width: 1, height: 1, error: null, faces: [face] };
      assert.ok(writeText(photo).includes(`"box": [${text}]`), `${value}: ${writeText(photo)}`);
    }
  }
});

test("looks are as large as Python's, and JPEGs decoded as small", () => {
  for (const { size: [width, height], looks, decoded, ...wish } of readCases("schedules")) {
    if (looks) assert.deepEqual(chooseSides(Math.max(width, height)), looks);
    else {
      const reduction = chooseReduction({ width, height }, wish);
      assert.deepEqual([width, height].map((side) => Math.ceil(side / reduction)), decoded);
    }
  }
});
