/** What the page says, in Spanish or English: words, numbers, and the elements that show them. */

const KEPT = "gafas-language";
const LANGUAGES = ["en", "es"];
// What another engine says otherwise has a sentence of its own.
const VARIANT = `@${document.documentElement.dataset.engine ?? "server"}`;
const UNITS = { "too-many-bytes": 2 ** 20, "too-many-pixels": 1e6 };

let words = {};
let language = "en";

/** Show the language that was chosen here before, or else the browser's. */
export async function startLanguage() {
  const wished = [remember(), ...navigator.languages.map((one) => one.slice(0, 2)), "en"];
  await setLanguage(wished.find((one) => LANGUAGES.includes(one)));
}

/** Show the page in a language, and keep the choice if a person made it. */
export async function setLanguage(chosen, { keep = false } = {}) {
  const response = await fetch(new URL(`./${chosen}.json`, import.meta.url));
  words = await response.json();
  language = chosen;
  document.documentElement.lang = chosen;
  if (keep) remember(chosen);
  translate(document);
}

/** Return the language that the page is in. */
export function getLanguage() {
  return language;
}

/** Return a sentence, its {names} filled in. */
export function say(key, values = {}) {
  return (words[key + VARIANT] ?? words[key]).replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

/** Return the sentence about so many: the catalogue has one for 1 and one for other numbers. */
export function count(key, number, values = {}) {
  const form = number === 1 ? "one" : "other";
  return say(`${key}.${form}`, { n: new Intl.NumberFormat(language).format(number), ...values });
}

/** Return a number with no more digits than it needs: 12, but 0.4. */
export function short(value) {
  return new Intl.NumberFormat(language, { maximumSignificantDigits: 2 }).format(value);
}

/** Return what a label is called; one that the page does not know is called by its own name. */
export function nameLabel(label) {
  return words[`label.${label}`] ?? label;
}

/** Return a probability, 0–1, as percent. Answers have three decimals: 1.0 is over 0.999. */
export function percent(value) {
  if (value >= 1) return `> ${format(0.999, 1)}`;
  return value <= 0 ? `< ${format(0.001, 1)}` : format(value, 1);
}

/** Return a share, 0–1, as percent: of things that were counted. */
export function portion(value) {
  return format(value, 1);
}

/** Return a probability, 0–1, as whole percent, rounded down as on the server's drawings. */
export function roughly(value) {
  return format(Math.floor(Math.min(value, 0.999) * 100 + 1e-6) / 100, 0);
}

/** Say what an error means for a person: the server gives a word, the page the sentence. */
export function explainProblem({ reason, limit, status }) {
  const key = `problem.${reason}`;
  const shown = new Intl.NumberFormat(language, { maximumFractionDigits: 3 });
  const values = { status, limit: shown.format(limit / (UNITS[reason] ?? 1)) };
  if (key in words) return say(key, values);
  return say(status ? "problem.http" : "problem.failed", values);
}

/** Fill every element below a root that names its sentence: its text, and attributes of it. */
export function translate(root) {
  for (const one of root.querySelectorAll("[data-t]")) one.textContent = say(one.dataset.t);
  for (const one of root.querySelectorAll("[data-label]")) {
    one.setAttribute("aria-label", say(one.dataset.label));
  }
}

function format(value, decimals) {
  const exactly = { minimumFractionDigits: decimals, maximumFractionDigits: decimals };
  return new Intl.NumberFormat(language, { style: "percent", ...exactly }).format(value);
}

function remember(chosen) {
  try {
    if (chosen) localStorage.setItem(KEPT, chosen);
    return localStorage.getItem(KEPT);
  } catch {
    return null; // a browser may forbid pages to keep anything
  }
}
