import assert from "node:assert/strict";
import test from "node:test";

import { findDoubtful, suppress, turnBack } from "../../../src/gafas/web/engine/candidates.js";
import { decode, fit, prepare, restore } from "../../../src/gafas/web/engine/retinaface.js";
import { assertNear, readCases, toImage, toRows } from "./vectors.js";

const SURE = 0.9;

test("the network is shown the very numbers that Python shows it", () => {
  for (const { image, side, border, size: [width, height], planes } of readCases("inputs")) {
    const shown = toImage(image);
    assert.deepEqual(fit(shown, side), { width, height });
    const found = prepare(shown, { width, height }, border);
    assert.deepEqual([found.height, found.width], planes.shape.slice(2));
    assert.deepEqual(found.planes, planes.data);
  }
});

test("what the network gives is the same candidates, in its pixels and in the photo's", () => {
  for (const one of readCases("outputs")) {
    const { loc, conf, landmarks } = one.outputs;
    const outputs = { loc: loc.data, conf: conf.data, landmarks: landmarks.data };
    const rows = decode(outputs, { width: one.size[0], height: one.size[1] }, one.least);
    assert.ok(rows.length > 10);
    // Two exponentials of 32 bits may differ in the last one.
    assertNear(rows.flatMap((row) => [...row]), one.rows.data, 1e-3);
    restore(rows, one.scale, one.border);
    assertNear(rows.flatMap((row) => [...row]), one.restored.data, 2e-3);
  }
});

test("of candidates for the same face the same one stays, and the same are doubtful", () => {
  for (const { rows, kept, doubtful } of readCases("candidates")) {
    assert.deepEqual(suppress(toRows(rows)), toRows(kept));
    assert.deepEqual(findDoubtful(toRows(rows), SURE), toRows(doubtful));
  }
});

test("candidates of a turned photo come back to where they are", () => {
  for (const { rows, back } of readCases("candidates")) {
    for (const [quarters, turned] of Object.entries(back)) {
      const size = { width: 400, height: 300 };
      assert.deepEqual(turnBack(toRows(rows), Number(quarters), size), toRows(turned));
    }
  }
});
