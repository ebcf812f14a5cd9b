/** A photo's bytes → upright pixels, by the browser's decoders, as small as serves. */

import { readHeader } from "./headers.js";
import { mirror, turnQuarters } from "./images.js";
import { PhotoError, refuse } from "./problems.js";
import { reduce } from "./resampling.js";

const MAX_BYTES = 256 * 2 ** 20;
const MAX_PIXELS = 120_000_000;
const MAX_JPEG_PIXELS = 256_000_000;

/** No more pixels are kept of a photo: larger ones are reduced while they are decoded. */
export const MOST_PIXELS = 24_000_000;

const JPEG = "image/jpeg";

// Of what has an EXIF orientation: whether it is mirrored, and by how many quarters it is turned
// counterclockwise after that.
const TURNS = {
  2: [true, 0],
  3: [false, 2],
  4: [true, 2],
  5: [true, 1],
  6: [false, 3],
  7: [true, 3],
  8: [false, 1],
};

// Two pixels beside each other, which stand one above the other for who heeds EXIF.
const TURNED =
  "UklGRk4AAABXRUJQVlA4WAoAAAAIAAAAAQAAAAAAVlA4TA4AAAAvAQAAAAcQEf0PRET/A0VYSUYaAAAATU0A" +
  "KgAAAAgAAQESAAMAAAABAAYAAAAAAAA=";

let heeding = null;

/** Open a photo: a source of images, for `Recognizer.recognize`. */
export async function openPhoto(blob, name) {
  if (blob.size > MAX_BYTES) {
    throw refuse("too-many-bytes", { received: `'${name}'`, limit: MAX_BYTES });
  }
  const bytes = new Uint8Array(await blob.arrayBuffer());
  const header = readHeader(bytes);
  const start = [...bytes.subarray(0, 8)].map((byte) => byte.toString(16).padStart(2, "0"));
  const begins = bytes.length ? `starts with ${start.join(" ")}` : "is empty";
  if (!header) throw refuse("unreadable-photo", { received: `'${name}' (${begins})` });
  const { kind, width, height } = header;
  const limit = kind === JPEG ? MAX_JPEG_PIXELS : MAX_PIXELS;
  const received = `'${name}' of ${width}×${height}`;
  if (width * height > limit) throw refuse("too-many-pixels", { received, limit });
  return new Source(bytes, { ...header, received });
}

/** Return what a canvas, a video or a bitmap shows as a source that is decoded already. */
export function openShown(shown, { width, height }) {
  const image = readPixels(shown, { width, height });
  return { load: async () => ({ image, width, height }) };
}

class Source {
  #bytes;
  #header;

  constructor(bytes, header) {
    this.#bytes = bytes;
    this.#header = header;
  }

  /**
   * Decode the photo. With `side` a JPEG comes at 1/2, 1/4 or 1/8, where its longer side stays at
   * least so long; with `eighth` 1/8 will do where that leaves so many pixels.
   */
  async load({ side = null, eighth = null } = {}) {
    const { kind, received } = this.#header;
    try {
      if (kind !== JPEG) return await this.#loadWhole();
      const reduction = chooseReduction(this.#header, { side, eighth });
      return await (reduction > 1 ? this.#loadReduced(reduction) : this.#loadWhole());
    } catch (error) {
      if (error instanceof PhotoError) throw error;
      throw refuse("damaged-photo", { received });
    }
  }

  async #loadWhole() {
    const { width, height } = this.#header;
    const factor = Math.sqrt(MOST_PIXELS / (width * height));
    const image = await this.#decode(Math.min(1, factor));
    return factor < 1 ? this.#describe(image) : { image, width: image.width, height: image.height };
  }

  async #loadReduced(reduction) {
    const { width, height } = this.#header;
    const wanted = [width, height].map((length) => Math.ceil(length / reduction));
    const image = await decodeSmall(this.#bytes, wanted);
    if (image) return this.#describe(image);
    // This browser decodes no less than all, which would take too much memory of a huge photo.
    if (width * height > MOST_PIXELS) return this.#describe(await this.#decode(1 / reduction));
    // What it shows is averaged, which is nearly the same.
    const whole = await this.#decode();
    return { ...this.#describe(whole), image: reduce(whole, reduction) };
  }

  /** Decode all, upright; with a factor under 1 the browser makes it smaller meanwhile. */
  async #decode(factor = 1) {
    const { width, height, kind } = this.#header;
    const file = new Blob([this.#bytes], { type: kind });
    const make = (across) => {
      const smaller = { resizeWidth: Math.floor(across * factor), resizeQuality: "high" };
      const options = { colorSpaceConversion: "none", ...(factor < 1 ? smaller : {}) };
      return createImageBitmap(file, options);
    };
    let bitmap = await make(width);
    if (factor < 1 && this.#isTurned(bitmap)) {
      bitmap.close(); // its height lies across, as EXIF says
      bitmap = await make(height);
    }
    const shown = readPixels(bitmap, bitmap);
    bitmap.close();
    return this.#setUpright(shown);
  }

  /** Browsers turn photos as EXIF says, but some do not turn a WebP. */
  async #setUpright(image) {
    const [mirrored, quarters] = TURNS[this.#header.orientation] ?? [false, 0];
    if (!(mirrored || quarters) || (await heedsOrientation())) return image;
    const faced = mirrored ? mirror(image) : image;
    return quarters ? turnQuarters(faced, quarters) : faced;
  }

  #describe(image) {
    const { width, height } = this.#header;
    const turned = this.#isTurned(image);
    return turned ? { image, width: height, height: width } : { image, width, height };
  }

  #isTurned(image) {
    const { width, height } = this.#header;
    return image.width > image.height !== width > height;
  }
}

/** Say whether this browser turns a WebP as its EXIF orientation says. */
function heedsOrientation() {
  const bytes = Uint8Array.from(atob(TURNED), (letter) => letter.charCodeAt(0));
  const blob = new Blob([bytes], { type: "image/webp" });
  heeding ??= createImageBitmap(blob).then(({ width, height }) => height > width);
  return heeding;
}

/** Say by how much a JPEG may be reduced, as Pillow's draft mode does it. */
export function chooseReduction({ width, height }, { side, eighth }) {
  const longer = Math.max(width, height);
  const enough = eighth && Math.floor(longer / 8) >= eighth ? Math.floor(longer / 8) : side;
  const lengths = enough && enough < longer ? [width, height] : [];
  const scales = lengths.map((length) => {
    return Math.floor(length / Math.max(1, Math.trunc(length * (enough / longer))));
  });
  const least = [1, 2, 4, 8].find((scale) => width * height <= MOST_PIXELS * scale ** 2);
  const found = scales.length ? [8, 4, 2].find((scale) => Math.min(...scales) >= scale) : 1;
  return Math.max(found ?? 1, least);
}

/** Decode a JPEG at a part of its size; null where the browser has no such decoder. */
async function decodeSmall(bytes, [width, height]) {
  if (!("ImageDecoder" in globalThis)) return null;
  const decoder = new ImageDecoder({
    data: bytes,
    type: JPEG,
    colorSpaceConversion: "none",
    desiredWidth: width,
    desiredHeight: height,
  });
  const { image } = await decoder.decode();
  const fits = image.codedWidth === width && image.codedHeight === height;
  const { displayWidth, displayHeight } = image;
  const read = fits ? readPixels(image, { width: displayWidth, height: displayHeight }) : null;
  image.close();
  decoder.close();
  return read;
}

function readPixels(shown, { width, height }) {
  const canvas = new OffscreenCanvas(width, height);
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  pen.fillStyle = "white"; // what shows through, as in Python
  pen.fillRect(0, 0, width, height);
  pen.drawImage(shown, 0, 0, width, height);
  return pen.getImageData(0, 0, width, height);
}
