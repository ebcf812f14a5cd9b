/** What a photo can be refused for, with the words and sentences of the service. */

const SENTENCES = {
  "damaged-photo":
    "Cannot decode the image: it is cut short or damaged. Received: {received}. Copy or download " +
    "it again.",
  "too-many-bytes":
    "Cannot read the image: expected at most {limit} bytes. Received: {received}, which has " +
    "more. Save it smaller.",
  "too-many-pixels":
    "Cannot read the image: expected at most {limit} pixels. Received: {received}. Save it " +
    "smaller.",
  "unreadable-photo":
    "Cannot read the image: expected JPEG, PNG, WebP, GIF, BMP or AVIF. Received: {received}. " +
    "Check that it is a photo and not, say, a web page saved under a photo's name.",
};

/** Says why a photo has no answer: `reason` for programs, `message` for people. */
export class PhotoError extends Error {
  constructor(message, { reason, limit = null }) {
    super(message);
    Object.assign(this, { name: "PhotoError", reason, limit });
  }
}

/** Return the error for a reason. */
export function refuse(reason, { received, limit = null }) {
  const values = { received, limit: limit?.toLocaleString("en") };
  const message = SENTENCES[reason].replace(/\{(\w+)\}/g, (_, name) => values[name]);
  return new PhotoError(message, { reason, limit });
}
