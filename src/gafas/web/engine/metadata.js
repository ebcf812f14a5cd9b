/** What a model file says of itself: the JSON object under the key `gafas` of an ONNX file. */

// An ONNX file is a protobuf message: field after field, each a number, a kind and a value.

const KEY = "gafas";
const PROPERTIES = 14; // the field of ModelProto that holds pairs of key and value
const [VARINT, EIGHT, PIECE, FOUR] = [0, 1, 2, 5];

/** Return the metadata of a model that gafas made. */
export function readMetadata(content) {
  const text = new TextDecoder();
  for (const { number, piece } of listFields(content)) {
    if (number !== PROPERTIES) continue;
    const pair = [...listFields(piece)].map((field) => text.decode(field.piece));
    if (pair[0] === KEY) return JSON.parse(pair[1]);
  }
  throw new Error(`The model was not made by gafas. Received: ${content.length} bytes.`);
}

function* listFields(content) {
  let at = 0;
  const readNumber = () => {
    let [value, factor] = [0, 1];
    for (;;) {
      const byte = content[at++];
      value += (byte & 127) * factor;
      if (!(byte & 128)) return value;
      factor *= 128;
    }
  };
  while (at < content.length) {
    const head = readNumber();
    const kind = head % 8;
    let piece = new Uint8Array();
    if (kind === VARINT) readNumber();
    else if (kind === EIGHT) at += 8;
    else if (kind === FOUR) at += 4;
    else if (kind === PIECE) {
      const length = readNumber();
      piece = content.subarray(at, at + length);
      at += length;
    } else throw new Error(`The model is damaged. Received: kind ${kind} at byte ${at}.`);
    yield { number: Math.floor(head / 8), piece };
  }
}
