/** The page of the HTTP interface: /openapi.json made readable, without another host's scripts. */

import { readDescription } from "./api.js";
import { make } from "./drawing.js";
import { explainProblem, getLanguage, say, startLanguage } from "./language.js";
import { patiently } from "./retry.js";

const place = document.querySelector(".text");

/** Return the whole description as elements: every route, then the objects that they answer. */
function describe({ info, paths, components }) {
  const routes = Object.entries(paths).flatMap(([path, methods]) => {
    return Object.entries(methods).flatMap(([method, route]) => {
      return describeRoute(method, path, route);
    });
  });
  const objects = Object.entries(components.schemas).flatMap(([name, schema]) => {
    const properties = Object.entries(schema.properties ?? {});
    const fields = properties.map(([field, { description, ...type }]) => {
      return [`\`${field}\``, nameType(type), description];
    });
    const title = make("h3", { text: name });
    const values = (schema.enum ?? []).map((value) => `\`${value}\``).join(", ");
    const text = [schema.description, values].filter(Boolean).join("\n\n");
    return [title, ...makeText(text), ...makeTable("field type meaning", fields)];
  });
  const title = make("h2", { text: "Objects" });
  return [...makeText(info.description), ...routes, title, ...objects];
}

function describeRoute(method, path, { description, parameters = [], requestBody, responses }) {
  const rows = parameters.map((one) => {
    return [`\`${one.name}\``, one.in, nameType(one.schema), one.description];
  });
  const answers = Object.entries(responses).map(([status, { description, content = {} }]) => {
    const kinds = Object.entries(content).map(([kind, { schema }]) => nameAnswer(kind, schema));
    return [status, description, kinds.join(", ")];
  });
  return [
    make("h2", { holds: mark(`\`${method.toUpperCase()} ${path}\``) }),
    ...makeText(description),
    makeCode(writeCall(path, requestBody)),
    ...makeTable("parameter in type meaning", rows),
    ...makeTable("status meaning answer", answers.sort(([one], [two]) => one - two)),
    ...makeExample(responses[200]),
  ];
}

/** Write a command line that asks for a route; one line for each way to send a photo. */
function writeCall(path, requestBody) {
  const url = `${location.origin}${path}`;
  if (!requestBody) return `curl ${url}`;
  if (requestBody.content["application/json"]) return `curl --json @lesson.json ${url}`;
  if (!requestBody.content["multipart/form-data"]) {
    return `curl --data-binary @part.parquet ${url}`;
  }
  return `curl --data-binary @photo.jpg ${url}\ncurl -F photos=@photo.jpg ${url}`;
}

function makeExample({ content }) {
  const { examples } = content?.["application/json"] ?? {};
  const some = Object.values(examples ?? {}).slice(0, 1);
  return some.map(({ value }) => {
    const text = JSON.stringify(value, null, 2);
    return makeCode(text.replace(/\[[-\d.,\s]+\]/g, (numbers) => numbers.replace(/\s+/g, " ")));
  });
}

function makeText(text) {
  return text.split("\n\n").map((paragraph) => make("p", { holds: mark(paragraph) }));
}

function makeCode(text) {
  const around = make("pre", { holds: [make("code", { text })] });
  around.tabIndex = 0; // the arrow keys scroll what is wider than the page
  return around;
}

function makeTable(titles, rows) {
  if (!rows.length) return [];
  const head = makeRow("th", titles.split(" "));
  const body = rows.map((cells) => makeRow("td", cells));
  const parts = [make("thead", { holds: [head] }), make("tbody", { holds: body })];
  const around = make("div", { kind: "scroll", holds: [make("table", { holds: parts })] });
  around.tabIndex = 0;
  return [around];
}

function makeRow(name, cells) {
  return make("tr", { holds: cells.map((cell) => make(name, { holds: mark(cell ?? "") })) });
}

/** Return a text's pieces, with elements for what stands in backticks. */
function mark(text) {
  return text.split("`").map((piece, at) => (at % 2 ? make("code", { text: piece }) : piece));
}

function nameAnswer(kind, schema) {
  return schema.$ref || schema.anyOf || schema.items ? nameType(schema) : kind;
}

function nameType({ $ref, anyOf, type, items }) {
  if ($ref) return $ref.split("/").at(-1);
  if (anyOf) return anyOf.map(nameType).filter((name) => name !== "null").join(" or ");
  return items ? `list of ${nameType(items)}` : type;
}

async function start() {
  await startLanguage();
  document.title = `gafas: ${say("docs.title")}`;
  document.querySelector(".other").hidden = getLanguage() === "en";
  document.documentElement.classList.add("ready");
  try {
    place.replaceChildren(...describe(await patiently(() => readDescription())));
  } catch (error) {
    place.textContent = explainProblem(error);
  }
}

start();
