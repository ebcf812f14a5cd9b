/** The page of the HTTP interface: /openapi.json made readable, without another host's scripts. */

import { readDescription } from "./api.js";
import { getLanguage, say, startLanguage } from "./language.js";
import { renderMarkdown } from "./markdown.js";
import { patiently } from "./patience.js";
import { tell } from "./problems.js";

const place = document.querySelector(".text");

/** Write the whole description as Markdown: every route, then the objects that they answer. */
function write({ info, paths, components }) {
  const routes = Object.entries(paths).flatMap(([path, methods]) => {
    return Object.entries(methods).map(([method, route]) => writeRoute(method, path, route));
  });
  const objects = Object.entries(components.schemas).map(([name, schema]) => {
    const fields = Object.entries(schema.properties).map(([field, { description, ...type }]) => {
      return [`\`${field}\``, nameType(type), description];
    });
    return [`### ${name}`, schema.description, ...writeTable(["field", "type", "meaning"], fields)];
  });
  return [info.description, ...routes.flat(), "## Objects", ...objects.flat()].join("\n\n");
}

function writeRoute(method, path, { description, parameters = [], requestBody, responses }) {
  const rows = parameters.map((one) => {
    return [`\`${one.name}\``, one.in, nameType(one.schema), one.description];
  });
  const answers = Object.entries(responses).map(([status, { description, content = {} }]) => {
    const kinds = Object.entries(content).map(([kind, { schema }]) => nameAnswer(kind, schema));
    return [status, description, kinds.join(", ")];
  });
  return [
    `## \`${method.toUpperCase()} ${path}\``,
    description,
    writeCode(writeCall(path, requestBody)),
    ...writeTable(["parameter", "in", "type", "meaning"], rows),
    ...writeTable(["status", "meaning", "answer"], answers.sort(([one], [two]) => one - two)),
    ...writeExample(responses[200]),
  ];
}

/** Write a command line that asks for a route; one line for each way to send a photo. */
function writeCall(path, requestBody) {
  const url = `${location.origin}${path}`;
  if (!requestBody) return `curl ${url}`;
  return `curl --data-binary @photo.jpg ${url}\ncurl -F photos=@photo.jpg ${url}`;
}

function writeExample({ content }) {
  const { examples } = content?.["application/json"] ?? {};
  const some = Object.values(examples ?? {}).slice(0, 1);
  return some.map(({ value }) => {
    const text = JSON.stringify(value, null, 2);
    const short = text.replace(/\[[-\d.,\s]+\]/g, (numbers) => numbers.replace(/\s+/g, " "));
    return writeCode(short);
  });
}

function writeCode(text) {
  return `\`\`\`\n${text}\n\`\`\``;
}

function writeTable(head, rows) {
  if (!rows.length) return [];
  const lines = [head, head.map(() => "---"), ...rows].map((cells) => {
    return `| ${cells.map((cell) => `${cell ?? ""}`.replaceAll("|", "/")).join(" | ")} |`;
  });
  return [lines.join("\n")];
}

function nameAnswer(kind, schema) {
  return schema.$ref || schema.anyOf ? nameType(schema) : kind;
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
    place.replaceChildren(...renderMarkdown(write(await patiently(() => readDescription()))));
  } catch (error) {
    place.textContent = tell(error);
  }
}

start();
