/** Where labels stand on a picture: beside their faces, hiding no face and no other label. */

const USUAL = { height: 22, padding: 14, letters: 12.5 };
const SMALL = { height: 16, padding: 8, letters: 11 };
const GAP = 4; // the box's line lies on both sides of its border

const pen = document.createElement("canvas").getContext("2d");

/**
 * Find a place for the label of every face, as `{ text, small, place }`; null where it is left out.
 *
 * `boxes` are in the picture's pixels on the screen, like `size`, which no label leaves. `forms`
 * are what each label may say, from the longest to the shortest; `marks` are the landmarks of each
 * face. What finds no room beside its box stands in it, off the landmarks if it can; with `brief`
 * a label that would then be one of several is left out.
 */
export function layTags(boxes, forms, { size, marks, brief }) {
  const several = boxes.length > 1;
  const faces = boxes.map((box, at) => {
    return { box, marks: marks[at], choices: listForms(forms[at], several) };
  });
  // Long labels of the first faces may leave no room for the others: then all are made shorter.
  let best = null;
  for (let skipped = 0; skipped < 4 && best?.hidden !== 0; skipped += 1) {
    const attempt = lay(faces, { size, skipped, without: brief && several });
    if (!best || attempt.hidden < best.hidden) best = attempt;
  }
  return best.tags;
}

function lay(faces, { size, skipped, without }) {
  const taken = faces.map(({ box: [x1, y1, x2, y2] }) => [x1 - GAP, y1 - GAP, x2 + GAP, y2 + GAP]);
  let hidden = 0;
  const tags = faces.map(({ box, choices, marks }, at) => {
    let tag = findRoom(taken[at], choices.slice(skipped), { size, taken });
    if (!tag) {
      hidden += 1;
      const others = [...taken.filter((_, other) => other !== at), ...marks];
      tag = without ? null : layInside(box, choices, { size, hidden: others });
    }
    if (tag) taken.push(tag.place);
    return tag;
  });
  return { tags, hidden };
}

function listForms(texts, several) {
  const usual = texts.map((text) => ({ text, small: false, ...measure(text, USUAL) }));
  const last = texts.at(-1);
  return several ? [...usual, { text: last, small: true, ...measure(last, SMALL) }] : usual;
}

function measure(text, { height, padding, letters }) {
  pen.font = `600 ${letters}px ${getComputedStyle(document.body).fontFamily}`;
  return { width: Math.ceil(pen.measureText(text).width) + padding, height };
}

function findRoom(box, choices, { size, taken }) {
  for (const form of choices) {
    const places = listPlaces(box, form, size);
    const place = places.find((one) => !taken.some((other) => touch(one, other)));
    if (place) return { ...form, place };
  }
  return null;
}

/** List where a label may stand beside a box: above it, below it, at its sides. */
function listPlaces([x1, y1, x2, y2], { width, height }, size) {
  const lefts = [x1 + GAP, (x1 + x2 - width) / 2, x2 - GAP - width];
  const above = lefts.map((left) => [left, y1 - height]);
  const below = lefts.map((left) => [left, y2]);
  const tops = [y1 + GAP, (y1 + y2 - height) / 2, y2 - GAP - height];
  const sides = tops.flatMap((top) => [[x2, top], [x1 - width, top]]);
  return keepInside([...above, ...below, ...sides], { width, height }, size);
}

function layInside([x1, y1, x2, y2], choices, { size, hidden }) {
  const [last] = choices.slice(-1);
  const form = last.small ? last : choices.find(({ width }) => width <= size.width);
  if (!form) return null;
  const lefts = [x1 + GAP, (x1 + x2 - form.width) / 2, x2 - GAP - form.width];
  const tops = [y1 + GAP, y2 - GAP - form.height];
  const corners = tops.flatMap((top) => lefts.map((left) => [left, top]));
  const places = keepInside(corners, form, size);
  const hides = (place) => hidden.filter((other) => touch(place, other)).length;
  return { ...form, place: places.sort((one, two) => hides(one) - hides(two))[0] };
}

/** Return rectangles at these corners, moved into the picture; none if it is too small. */
function keepInside(corners, { width, height }, size) {
  if (width > size.width || height > size.height) return [];
  return corners.map(([left, top]) => {
    const x = Math.max(1, Math.min(left, size.width - width - 1));
    const y = Math.max(1, Math.min(top, size.height - height - 1));
    return [x, y, x + width, y + height];
  });
}

function touch(one, two) {
  return one[0] < two[2] && two[0] < one[2] && one[1] < two[3] && two[1] < one[3];
}
