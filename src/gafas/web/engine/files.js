/** The engine's own large files, fetched from beside it. */

const ZIPPED = [0x1f, 0x8b];

// Files of this ending hold first the bytes 0, 4, 8 …, then 1, 5, 9 …: so weights pack better.
const PLANES = ".planes.gz";

/** Fetch files by their addresses, unpacked; `tell(loaded)` hears how many bytes have come. */
export function fetchAll(urls, tell = () => {}) {
  const loaded = new Map();
  return Promise.all(urls.map((url) => fetchOne(url, (bytes) => {
    loaded.set(url, bytes);
    tell([...loaded.values()].reduce((one, two) => one + two, 0));
  })));
}

async function fetchOne(url, tell) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`Cannot fetch ${url}: HTTP ${response.status}.`);
  const content = await readAll(response.body, tell);
  // A server may have unpacked it already.
  const zipped = ZIPPED.every((byte, at) => content[at] === byte);
  const unpacked = zipped ? await unzip(content) : content;
  return url.endsWith(PLANES) ? joinPlanes(unpacked) : unpacked;
}

/** Put the bytes of a file in planes into their order. */
export function joinPlanes(planes) {
  const joined = new Uint8Array(planes.length);
  let at = 0;
  for (let first = 0; first < 4; first += 1) {
    for (let into = first; into < joined.length; into += 4) joined[into] = planes[at++];
  }
  return joined;
}

async function readAll(stream, tell = () => {}) {
  const [pieces, reader] = [[], stream.getReader()];
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return join(pieces, length);
    pieces.push(value);
    length += value.length;
    tell(length);
  }
}

function join(pieces, length) {
  const all = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}

function unzip(content) {
  const stream = new ReadableStream({
    start(control) {
      control.enqueue(content);
      control.close();
    },
  });
  return readAll(stream.pipeThrough(new DecompressionStream("gzip")));
}
