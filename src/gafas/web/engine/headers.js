/** Which kind of picture some bytes are, and how large, told from their beginning. */

const FRAMES = [0xc0, 0xc1, 0xc2, 0xc3, 0xc5, 0xc6, 0xc7, 0xc9, 0xca, 0xcb, 0xcd, 0xce, 0xcf];
const PARTS = ["meta", "iprp", "ipco"]; // where AVIF says its size, one in the other

const ORIENTATION = 0x0112;

/**
 * Return the kind of a picture, as `image/png`, with the width and height that it is stored with,
 * in pixels, of a WebP its EXIF orientation, too; null if it is none that browsers show.
 */
export function readHeader(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  try {
    for (const read of [readJpeg, readPng, readGif, readBmp, readWebp, readAvif]) {
      const found = read(view);
      if (found) return found;
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error; // it ends before it has said
  }
  return null;
}

function readJpeg(view) {
  if (view.getUint16(0) !== 0xffd8) return null;
  for (let at = 2; ; ) {
    while (view.getUint8(at) !== 0xff || [0, 0xff].includes(view.getUint8(at + 1))) at += 1;
    const marker = view.getUint8(at + 1);
    if (FRAMES.includes(marker)) {
      return { kind: "image/jpeg", width: view.getUint16(at + 7), height: view.getUint16(at + 5) };
    }
    const alone = marker === 1 || (marker >= 0xd0 && marker <= 0xd8);
    at += alone ? 2 : 2 + view.getUint16(at + 2);
  }
}

function readPng(view) {
  if (view.getUint32(0) !== 0x89504e47) return null;
  return { kind: "image/png", width: view.getUint32(16), height: view.getUint32(20) };
}

function readGif(view) {
  if (readWord(view, 0) !== "GIF8") return null;
  return { kind: "image/gif", width: view.getUint16(6, true), height: view.getUint16(8, true) };
}

function readBmp(view) {
  if (view.getUint16(0) !== 0x424d) return null;
  const [width, height] = [view.getInt32(18, true), view.getInt32(22, true)];
  return { kind: "image/bmp", width, height: Math.abs(height) };
}

function readWebp(view) {
  if (readWord(view, 0) !== "RIFF" || readWord(view, 8) !== "WEBP") return null;
  const read = (at) => view.getUint16(at, true);
  const sizes = {
    "VP8 ": () => [read(26) & 0x3fff, read(28) & 0x3fff],
    VP8L: () => {
      const bits = view.getUint32(21, true);
      return [(bits & 0x3fff) + 1, ((bits >>> 14) & 0x3fff) + 1];
    },
    VP8X: () => [24, 27].map((at) => 1 + read(at) + 65536 * view.getUint8(at + 2)),
  };
  const [width, height] = sizes[readWord(view, 12)]?.() ?? [0, 0];
  return { kind: "image/webp", width, height, orientation: findOrientation(view) };
}

/** Return the EXIF orientation of a WebP, 1 (upright) where it says none. */
function findOrientation(view) {
  for (let at = 12; at + 8 < view.byteLength; ) {
    const length = view.getUint32(at + 4, true);
    if (readWord(view, at) === "EXIF") return readOrientation(view, at + 8);
    at += 8 + length + (length % 2);
  }
  return 1;
}

function readOrientation(view, start) {
  const head = readWord(view, start) === "Exif" ? start + 6 : start;
  const little = readWord(view, head).startsWith("II");
  const entries = head + view.getUint32(head + 4, little);
  const count = view.getUint16(entries, little);
  for (let at = entries + 2; at < entries + 2 + 12 * count; at += 12) {
    if (view.getUint16(at, little) === ORIENTATION) return view.getUint16(at + 8, little);
  }
  return 1;
}

function readAvif(view) {
  if (readWord(view, 4) !== "ftyp" || !["avif", "avis"].includes(readWord(view, 8))) return null;
  let [start, end] = [0, view.byteLength];
  for (const name of PARTS) {
    const part = findPart(view, name, { start, end });
    start = part.start + (name === "meta" ? 4 : 0);
    end = part.end;
  }
  const size = findPart(view, "ispe", { start, end }).start + 4;
  return { kind: "image/avif", width: view.getUint32(size), height: view.getUint32(size + 4) };
}

function findPart(view, name, { start, end }) {
  for (let at = start; at < end; at += view.getUint32(at)) {
    if (readWord(view, at + 4) === name) return { start: at + 8, end: at + view.getUint32(at) };
    if (view.getUint32(at) < 8) break;
  }
  throw new RangeError(`There is no ${name}.`);
}

function readWord(view, at) {
  return String.fromCharCode(...[0, 1, 2, 3].map((byte) => view.getUint8(at + byte)));
}
