/** Answers as the server wrote them: JSON.parse would turn 1.0 into 1, so numbers stay text. */

const TOKENS = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
const PHOTO = ["photo", "width", "height", "error"];
const FACE = ["face", "x1", "y1", "x2", "y2", "confidence", "label"];

/** Parse JSON; every number becomes a string of exactly its characters. */
export function readExactly(text) {
  return JSON.parse(text.replace(TOKENS, (token) => (token[0] === '"' ? token : `"${token}"`)));
}

/** Write the JSON object of a photo that the server could not read, as the other doors do. */
export function unreadable(name, error) {
  const [photo, sentence] = [JSON.stringify(name), JSON.stringify(error)];
  return `{"photo": ${photo}, "width": null, "height": null, "error": ${sentence}, "faces": []}`;
}

/** Join the objects of several photos to one array, without touching what stands in them. */
export function toJson(texts) {
  return texts.length ? `[\n${texts.join(",\n")}\n]\n` : "[]\n";
}

/** Write the table of `gafas predict --csv`: a row is a face, or a photo without any. */
export function toCsv(texts, labels) {
  const rows = texts.flatMap((text) => listRows(readExactly(text), labels));
  const lines = [[...PHOTO, ...FACE, ...labels.map(guard)], ...rows];
  return toLines(lines);
}

/** Write the rows of a table, a line each. */
export function toLines(rows) {
  return rows.map((row) => `${row.map(quote).join(",")}\n`).join("");
}

function listRows(answer, labels) {
  const photo = [guard(answer.photo), answer.width, answer.height, guard(answer.error)];
  if (!answer.faces.length) return [[...photo, ...FACE.map(() => null), ...labels.map(() => null)]];
  return answer.faces.map((face, at) => {
    const found = [`${at + 1}`, ...face.box, face.confidence, guard(face.label)];
    return [...photo, ...found, ...labels.map((label) => face.probabilities[label])];
  });
}

/** Put a ' before a text that a spreadsheet would calculate, as the command line does. */
export function guard(text) {
  return /^[=+\-@\t\r\n']/.test(text ?? "") ? `'${text}` : text;
}

function quote(value) {
  if (value === null || value === undefined) return "";
  return /[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
}
