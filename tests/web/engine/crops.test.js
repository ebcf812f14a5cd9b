import assert from "node:assert/strict";
import test from "node:test";

import { cutOut, placeCrop, squeeze } from "../../../src/gafas/web/engine/crops.js";
import { assertNear, assertSameImage, readCases, toImage } from "./vectors.js";

test("a crop lies where Python places it", () => {
  for (const { face, geometry, place } of readCases("crops")) {
    const found = placeCrop(face, geometry);
    for (const [name, value] of Object.entries(place)) assertNear([found[name]], [value], 1e-9);
  }
});

test("a crop shows to the byte what Python's shows, past the edges too", () => {
  for (const { name, face, geometry, size, image, result } of readCases("crops")) {
    const cut = cutOut(toImage(image), placeCrop(face, geometry), size);
    assert.doesNotThrow(() => assertSameImage(cut, result), `${name}, ${size} pixels`);
  }
});

test("a whole photo is squeezed to the byte as Python does it, grey or not", () => {
  for (const { image, model, result } of readCases("squeezes")) {
    assert.deepEqual(squeeze(toImage(image), model), result.data);
  }
});
