/** Images: four bytes a pixel, red, green, blue and one that nobody reads, upright. */

/** @typedef {{ data: Uint8Array | Uint8ClampedArray, width: number, height: number }} Image */

/** Return an image of zeros. */
export function makeImage(width, height) {
  return { data: new Uint8ClampedArray(4 * width * height), width, height };
}

/** Round as Python does: a half goes to the even neighbour. */
export function roundEven(value) {
  const low = Math.floor(value);
  const rest = value - low;
  if (rest !== 0.5) return rest < 0.5 ? low : low + 1;
  return low % 2 === 0 ? low : low + 1;
}

/** Turn an image counterclockwise by 1, 2 or 3 quarters, as `numpy.rot90` does. */
export function turnQuarters(image, quarters) {
  const { width, height } = image;
  const turned = quarters === 2 ? makeImage(width, height) : makeImage(height, width);
  const [from, into] = [pixelsOf(image), pixelsOf(turned)];
  const [start, right, down] = {
    1: [width - 1, width, -1],
    2: [width * height - 1, -1, -width],
    3: [width * (height - 1), -width, 1],
  }[quarters];
  let at = 0;
  for (let y = 0; y < turned.height; y += 1) {
    let source = start + y * down;
    for (let x = 0; x < turned.width; x += 1, source += right) into[at++] = from[source];
  }
  return turned;
}

/** Exchange left and right. */
export function mirror(image) {
  const { width, height } = image;
  const mirrored = makeImage(width, height);
  const [from, into] = [pixelsOf(image), pixelsOf(mirrored)];
  let at = 0;
  for (let y = 0; y < height; y += 1) {
    const first = y * width;
    for (let x = width - 1; x >= 0; x -= 1) into[at++] = from[first + x];
  }
  return mirrored;
}

/** Cut out a rectangle; where it reaches past the image, the image's edge is continued. */
export function cutPatch(image, { left, top, right, bottom }) {
  const patch = makeImage(right - left, bottom - top);
  const [from, into] = [pixelsOf(image), pixelsOf(patch)];
  let at = 0;
  for (let y = top; y < bottom; y += 1) {
    const line = clip(y, image.height) * image.width;
    for (let x = left; x < right; x += 1) into[at++] = from[line + clip(x, image.width)];
  }
  return patch;
}

/** Return the pixels as one number each. */
function pixelsOf({ data, width, height }) {
  return new Uint32Array(data.buffer, data.byteOffset, width * height);
}

function clip(value, length) {
  return Math.min(Math.max(value, 0), length - 1);
}
