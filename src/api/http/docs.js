// Shows the OpenAPI document as a page. Whatever comes from the document becomes text, never markup.
"use strict";

function element(name, text, children) {
  const made = document.createElement(name);
  if (text !== undefined && text !== null) made.textContent = text;
  for (const child of children || []) made.append(child);
  return made;
}

function row(cells, kind) {
  return element("tr", null, cells.map((cell) => element(kind || "td", cell)));
}

function table(head, rows) {
  return element("table", null, [row(head, "th"), ...rows.map((cells) => row(cells))]);
}

// Follows "#/components/..." references.
function resolve(api, value) {
  let found = value;
  while (found && found.$ref) {
    found = found.$ref.slice(2).split("/").reduce((at, key) => at && at[key], api);
  }
  return found;
}

function nameOf(value) {
  return value && value.$ref ? value.$ref.split("/").pop() : "";
}

function content(of) {
  const parts = [];
  for (const [type, media] of Object.entries((of && of.content) || {})) {
    const schema = nameOf(media.schema);
    parts.push(schema ? type + " (" + schema + ")" : type);
  }
  return parts.join(", ");
}

function operation(api, path, method, what) {
  const label = element("span", method);
  label.className = "method";
  const summary = element("summary", null, [label, element("code", path), " " + (what.summary || "")]);
  const shown = element("details", null, [summary]);
  if (what.description) shown.append(element("p", what.description));
  const parameters = (what.parameters || []).map((parameter) => resolve(api, parameter));
  if (parameters.length > 0) {
    shown.append(table(["Parameter", "In", "What"], parameters.map((p) => [p.name, p.in, p.description || ""])));
  }
  const body = resolve(api, what.requestBody);
  if (body) {
    shown.append(element("p", "Body: " + content(body)));
    for (const media of Object.values(body.content)) {
      for (const example of Object.values(media.examples || {})) {
        shown.append(element("pre", JSON.stringify(example.value)));
      }
    }
  }
  const answers = Object.entries(what.responses).map(([status, answer]) => {
    const found = resolve(api, answer);
    return [status, content(found), found.description];
  });
  shown.append(table(["Status", "Content", "When"], answers));
  return shown;
}

function show(api) {
  document.getElementById("title").textContent = api.info.title + " " + api.info.version;
  document.getElementById("about").textContent = api.info.description;
  const paths = document.getElementById("paths");
  for (const [path, item] of Object.entries(api.paths)) {
    for (const [method, what] of Object.entries(item)) {
      if (method !== "parameters") paths.append(operation(api, path, method, what));
    }
  }
  const schemas = document.getElementById("schemas");
  for (const [name, schema] of Object.entries(api.components.schemas)) {
    const text = element("pre", JSON.stringify(schema, null, 2));
    schemas.append(element("details", null, [element("summary", name), text]));
  }
}

fetch("/openapi.json")
  .then((answer) => answer.json())
  .then(show)
  .catch((error) => {
    document.getElementById("about").textContent = "/openapi.json cannot be shown: " + error;
  });
