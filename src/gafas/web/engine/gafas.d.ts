/** gafas in the browser alone: who in a photo wears sunglasses, eyeglasses or none. */

/** `[x1, y1, x2, y2]` in the photo's pixels, origin top-left, x2 and y2 exclusive. */
export type Box = [number, number, number, number];

/** `[x, y]` in the photo's pixels. */
export type Point = [number, number];

/** A face, and what the model says of it. */
export interface Face {
  /** Where it is; it may reach past the photo's border. */
  box: Box;
  /** Left eye, right eye, nose, left and right corner of the mouth, as the picture shows them. */
  landmarks: Point[];
  /** How sure it is that this is a face, 0 to 1; null for a model of whole photos. */
  confidence: number | null;
  /** The answer: the most probable label, or `unsure` where it is not probable enough. */
  label: "none" | "eyeglasses" | "sunglasses" | "unsure";
  /** Every label with its probability; they sum to 1, but for the rounding to three decimals. */
  probabilities: Record<"none" | "eyeglasses" | "sunglasses", number>;
}

/** What was recognized in one photo. */
export interface Recognition {
  /** The photo's name, as it was given. */
  photo: string;
  /** Of the photo, upright, in pixels. */
  width: number;
  height: number;
  error: null;
  /** The most confident face first. */
  faces: Face[];
}

/** What a model says of itself; there is more in it. */
export interface Model {
  labels: string[];
  /** The probability under which the answer is `unsure`. */
  threshold: number;
  view: "photo" | "face";
  width: number;
  height: number;
  [entry: string]: unknown;
}

export interface Options {
  /** What the answer calls the photo; a file's own name if left out. */
  name?: string;
  /** Only the face with the largest box. */
  largest?: boolean;
  /** Gives up when it is aborted; the promise is then refused with its reason. */
  signal?: AbortSignal;
}

/** Says why a photo has no answer. */
export class PhotoError extends Error {
  /** One word for programs. */
  reason: "damaged-photo" | "too-many-bytes" | "too-many-pixels" | "unreadable-photo";
  /** The limit that was exceeded, if one was. */
  limit: number | null;
}

/**
 * Recognize a photo, or what an element shows at this moment.
 *
 * @throws PhotoError - the photo cannot be read.
 */
export function recognize(source: Blob | ImageBitmapSource, options?: Options): Promise<Recognition>;

/** Recognize as `recognize` does, and return the JSON text, as `gafas predict --json` writes it. */
export function recognizeAsText(
  source: Blob | ImageBitmapSource,
  options?: Options,
): Promise<string>;

/** Load the models before they are needed; both options are for the first call. */
export function load(options?: {
  /** Hears how many bytes have come. */
  onProgress?: (bytes: number) => void;
  /** How many threads work on a photo; only an isolated page has more than one. */
  threads?: number;
}): Promise<Model>;

/** Free what the models hold; the next call loads them again. */
export function close(): void;
