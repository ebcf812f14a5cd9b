/** Pillow's resampling, to the byte: models were trained on its results. */

// Whole pixels averaged, the bilinear filter in fixed point, the bilinear turn.

import { makeImage } from "./images.js";

const BITS = 22; // of a filter's weights, behind the point
const HALF = 1 << (BITS - 1);

/**
 * Average blocks of `across` by `down` pixels, as `PIL.Image.reduce` does; blocks at the right and
 * at the bottom may be smaller.
 */
export function reduce(image, across, down = across) {
  const reduced = makeImage(Math.ceil(image.width / across), Math.ceil(image.height / down));
  const sums = new Uint32Array(3 * reduced.width);
  const last = image.width - across * (reduced.width - 1);
  for (let y = 0; y < reduced.height; y += 1) {
    const end = Math.min(image.height, (y + 1) * down);
    const lines = end - y * down;
    sums.fill(0);
    for (let line = y * down; line < end; line += 1) addLine(image, line, across, sums);
    const [from, to] = [3 * y * reduced.width, 3 * (y + 1) * reduced.width];
    writeMeans(reduced.data, sums, { from, to, count: across * lines, last: last * lines });
  }
  return reduced;
}

/** Add a line's pixels to the sums of the blocks that they belong to. */
function addLine({ data, width }, line, across, sums) {
  let from = 4 * line * width;
  let into = 0;
  for (let left = 0; left < width; left += across, into += 3) {
    const end = from + 4 * Math.min(across, width - left);
    let [red, green, blue] = [0, 0, 0];
    for (; from < end; from += 4) {
      red += data[from];
      green += data[from + 1];
      blue += data[from + 2];
    }
    sums[into] += red;
    sums[into + 1] += green;
    sums[into + 2] += blue;
  }
}

/** Write the means of a row of blocks of `count` pixels, but `last` in the last of them. */
function writeMeans(data, sums, { from, to, count, last }) {
  let into = (4 * from) / 3;
  for (let at = 0; at < to - from; at += 3, into += 4) {
    const pixels = at === to - from - 3 ? last : count;
    const multiplier = Math.floor(2 ** 24 / pixels); // the product stays under 2 ** 32
    for (let channel = 0; channel < 3; channel += 1) {
      const sum = sums[at + channel] + (pixels >> 1);
      data[into + channel] = Math.imul(sum, multiplier) >>> 24;
    }
  }
}

/**
 * Resize as `PIL.Image.resize(size, BILINEAR, reducing_gap=gap)` does: with a `gap`, by whole
 * pixels first, so that the filter has to shrink by no less than that.
 */
export function resize(image, { width, height }, gap = Infinity) {
  if (width === image.width && height === image.height) return image;
  const across = Math.trunc(image.width / width / gap) || 1;
  const down = Math.trunc(image.height / height / gap) || 1;
  const source = across > 1 || down > 1 ? reduce(image, across, down) : image;
  // Pillow keeps the part that is resized in numbers of 32 bits.
  const part = [Math.fround(image.width / across), Math.fround(image.height / down)];
  const wide = width === source.width && part[0] === width;
  const tall = height === source.height && part[1] === height;
  const narrow = wide ? source : squash(source, width, part[0]);
  return tall ? narrow : stack(narrow, height, part[1]);
}

/** Return for each pixel of the result the first one that it is made of, and their weights. */
function weigh(length, wanted, part) {
  const scale = part / wanted;
  const support = Math.max(scale, 1);
  const size = 2 * Math.ceil(support) + 1;
  const firsts = new Int32Array(wanted);
  const counts = new Int32Array(wanted);
  const weights = new Int32Array(wanted * size);
  for (let at = 0; at < wanted; at += 1) {
    const centre = (at + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - support + 0.5));
    const count = Math.min(length, Math.trunc(centre + support + 0.5)) - first;
    firsts[at] = first;
    counts[at] = count;
    fillWeights(weights.subarray(at * size, at * size + count), first - centre + 0.5, 1 / support);
  }
  return { firsts, counts, weights, size };
}

function fillWeights(weights, offset, steepness) {
  const exact = Array.from(weights, (_, at) => {
    return Math.max(0, 1 - Math.abs((at + offset) * steepness));
  });
  const sum = exact.reduce((one, two) => one + two, 0);
  for (let at = 0; at < exact.length; at += 1) {
    weights[at] = Math.trunc(0.5 + (sum ? exact[at] / sum : exact[at]) * 2 ** BITS);
  }
}

/** Bring an image to another width. */
function squash(image, width, part) {
  const { firsts, counts, weights, size } = weigh(image.width, width, part);
  const made = makeImage(width, image.height);
  const [from, into] = [image.data, made.data];
  let out = 0;
  for (let y = 0; y < image.height; y += 1) {
    const line = 4 * y * image.width;
    for (let x = 0; x < width; x += 1, out += 4) {
      let [red, green, blue] = [HALF, HALF, HALF];
      let at = line + 4 * firsts[x];
      const end = x * size + counts[x];
      for (let k = x * size; k < end; k += 1, at += 4) {
        const weight = weights[k];
        red += from[at] * weight;
        green += from[at + 1] * weight;
        blue += from[at + 2] * weight;
      }
      into[out] = red >> BITS;
      into[out + 1] = green >> BITS;
      into[out + 2] = blue >> BITS;
    }
  }
  return made;
}

/** Bring an image to another height. */
function stack(image, height, part) {
  const { firsts, counts, weights, size } = weigh(image.height, height, part);
  const stride = 4 * image.width;
  const made = makeImage(image.width, height);
  const sums = new Int32Array(stride);
  for (let y = 0; y < height; y += 1) {
    sums.fill(HALF);
    for (let k = 0; k < counts[y]; k += 1) {
      const weight = weights[y * size + k];
      const from = (firsts[y] + k) * stride;
      for (let at = 0; at < stride; at += 1) sums[at] += image.data[from + at] * weight;
    }
    const to = y * stride;
    for (let at = 0; at < stride; at += 1) made.data[to + at] = sums[at] >> BITS;
  }
  return made;
}

/**
 * Turn a part of an image into a square, as `PIL.Image.transform(…, AFFINE, …, BILINEAR)` does:
 * `affine` are its six numbers, which lead from a pixel of the result to the image.
 */
export function turn(image, side, [a, b, c, d, e, f]) {
  const made = makeImage(side, side);
  let at = 0;
  for (let y = 0.5; y < side; y += 1) {
    for (let x = 0.5; x < side; x += 1, at += 4) {
      const across = a * x + b * y + c;
      const down = d * x + e * y + f;
      const inside = across >= 0 && across < image.width && down >= 0 && down < image.height;
      if (inside) blend(image, across - 0.5, down - 0.5, made.data, at);
    }
  }
  return made;
}

function blend({ data, width, height }, across, down, into, at) {
  const [left, top] = [Math.floor(across), Math.floor(down)];
  const [right, low] = [across - left, down - top];
  const [x1, x2] = [4 * Math.max(left, 0), 4 * Math.min(left + 1, width - 1)];
  const line = 4 * width * Math.max(top, 0);
  const next = 4 * width * Math.min(top + 1, height - 1);
  for (let channel = 0; channel < 3; channel += 1) {
    const above = mix(data[line + x1 + channel], data[line + x2 + channel], right);
    const below = mix(data[next + x1 + channel], data[next + x2 + channel], right);
    into[at + channel] = Math.trunc(mix(above, below, low));
  }
}

function mix(one, two, share) {
  return one + (two - one) * share;
}
