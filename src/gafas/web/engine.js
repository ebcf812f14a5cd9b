/** Who recognizes: the service that gave out this page, or the browser alone. */

// The page's builder says which. Both have the same doors; `abilities` says what is not to be had.

const local = document.documentElement.dataset.engine === "browser";

const engine = local ? await import("./browser.js") : await import("./api.js");

export const { abilities, prepare, recognize, packFrame, convert, explain } = engine;
export const { readAnswers, readModel, readModelCard, seeFaces, adapt } = engine;
