/** Answers, and the JSON that every door of gafas gives for them. */

const UNSURE = "unsure";

/** Express a face in the pixels of the same image, enlarged by a factor. */
export function scaleFace(face, factor) {
  const box = face.box.map((value) => value * factor);
  const landmarks = face.landmarks.map((point) => point.map((value) => value * factor));
  return { ...face, box, landmarks };
}

/** Answer with the most probable label, or `unsure` where it is under the threshold. */
export function decide(face, probabilities, { labels, threshold }) {
  const best = probabilities.indexOf(Math.max(...probabilities));
  const label = probabilities[best] >= threshold ? labels[best] : UNSURE;
  const named = labels.map((name, at) => [name, probabilities[at]]);
  return { ...face, label, probabilities: Object.fromEntries(named) };
}

/** Return the object that `Recognition.to_dict` gives for a photo. */
export function describe({ photo, width, height, faces }) {
  const shown = faces.map(({ box, landmarks, confidence, label, probabilities }) => ({
    box: box.map((value) => roundTo(value, 1)),
    landmarks: landmarks.map((point) => point.map((value) => roundTo(value, 1))),
    confidence: confidence === null ? null : roundTo(confidence, 3),
    label,
    probabilities: mapValues(probabilities, (value) => roundTo(value, 3)),
  }));
  return { photo, width, height, error: null, faces: shown };
}

/** Return only the face with the largest box, the first of equals. */
export function selectLargest(faces) {
  const areas = faces.map(({ box: [x1, y1, x2, y2] }) => (x2 - x1) * (y2 - y1));
  const largest = areas.indexOf(Math.max(...areas));
  return faces.slice(largest, largest + 1);
}

/** Write the object of a photo as Python writes JSON: numbers with a point, but for sizes. */
export function writeText({ photo, width, height, error, faces }) {
  const name = JSON.stringify(photo);
  const shown = faces.map(writeFace).join(", ");
  const sizes = `"width": ${width}, "height": ${height}`;
  return `{"photo": ${name}, ${sizes}, "error": ${JSON.stringify(error)}, "faces": [${shown}]}`;
}

function writeFace({ box, landmarks, confidence, label, probabilities }) {
  const points = landmarks.map((point) => `[${point.map(writeNumber).join(", ")}]`);
  const values = Object.entries(probabilities).map(([name, value]) => {
    return `${JSON.stringify(name)}: ${writeNumber(value)}`;
  });
  const sure = confidence === null ? "null" : writeNumber(confidence);
  const where = `"box": [${box.map(writeNumber).join(", ")}], "landmarks": [${points.join(", ")}]`;
  const what = `"label": ${JSON.stringify(label)}, "probabilities": {${values.join(", ")}}`;
  return `{${where}, "confidence": ${sure}, ${what}}`;
}

function writeNumber(value) {
  if (!Number.isInteger(value)) return `${value}`;
  return Object.is(value, -0) ? "-0.0" : `${value}.0`;
}

/** Round to so many decimals as Python does: exactly, and a half to the even neighbour. */
export function roundTo(value, decimals) {
  const rounded = Number(value.toFixed(decimals));
  const halves = Math.abs(value) * 2 ** (decimals + 1);
  const tie = Number.isInteger(halves) && halves % 2 === 1;
  if (!tie) return rounded;
  const unit = 10 ** decimals;
  const even = 2 * Math.round((Math.abs(value) * unit) / 2);
  return (Math.sign(value) * even) / unit;
}

function mapValues(object, change) {
  return Object.fromEntries(Object.entries(object).map(([name, value]) => [name, change(value)]));
}
