/** Models → what runs them, on onnxruntime-web. */

import { Classifier } from "./classifier.js";
import { FaceDetector } from "./detector.js";

const OPTIONS = { executionProviders: ["wasm"], enableMemPattern: false };

/** Open the two models, files as bytes, on a loaded onnxruntime-web. */
export async function openParts(ort, { detector, classifier }) {
  const faces = await ort.InferenceSession.create(detector, OPTIONS);
  const eyewear = await ort.InferenceSession.create(classifier, OPTIONS);
  const find = async (planes, width, height) => {
    const input = new ort.Tensor("float32", planes, [1, 3, height, width]);
    return readAll(await faces.run({ input }));
  };
  const [input] = eyewear.inputNames;
  const further = ["not_a_face", "features"];
  const wanted = eyewear.outputNames.filter((name) => name !== "features");
  const main = wanted.find((name) => !further.includes(name));
  const judge = async (batch, shape) => {
    const crops = new ort.Tensor("uint8", batch, shape);
    const outputs = readAll(await eyewear.run({ [input]: crops }, wanted));
    return { ...outputs, probabilities: outputs[main] };
  };
  return { detector: new FaceDetector(find), classifier: new Classifier(classifier, judge) };
}

function readAll(outputs) {
  return Object.fromEntries(Object.entries(outputs).map(([name, { data }]) => [name, data]));
}
