import test from "node:test";

import { mirror, turnQuarters } from "../../../src/gafas/web/engine/images.js";
import { reduce, resize } from "../../../src/gafas/web/engine/resampling.js";
import { assertSameImage, readCases, toImage } from "./vectors.js";

test("an image is resized to the byte as Pillow does it, with and without a gap", () => {
  for (const { image, size: [width, height], gap, result } of readCases("resizes")) {
    assertSameImage(resize(toImage(image), { width, height }, gap ?? undefined), result);
  }
});

test("blocks are averaged to the byte as Pillow does it, at the edges too", () => {
  for (const { image, factor, result } of readCases("reductions")) {
    assertSameImage(reduce(toImage(image), ...factor), result);
  }
});

test("quarters turn an image as NumPy turns it", () => {
  for (const { image, quarters, result } of readCases("turns")) {
    assertSameImage(turnQuarters(toImage(image), quarters), result);
    const twice = mirror(turnQuarters(mirror(toImage(image)), 4 - quarters));
    assertSameImage(twice, result); // in a mirror, what turns right turns left
  }
});
