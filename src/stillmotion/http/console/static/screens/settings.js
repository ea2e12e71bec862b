/** Settings and log, for administrators: every setting with its source, the last requests, what administrators did. */

import { get, ROOT } from "../api.js";
import { fill, h, sheet } from "../dom.js";
import { heading, remember, to } from "../router.js";
import { icon } from "../parts/icon.js";
import { empty, problem } from "../parts/states.js";
import { ago, exactly, lasting } from "../parts/words.js";

const VIEWS = /** @type {[string, string][]} */ ([["", "Settings"], ["requests", "Requests"], ["actions", "Actions"]]);

export async function show(/** @type {any} */ place) {
  await sheet("css/service.css");
  const view = place.rest[0] ?? "";
  const body = view === "requests" ? await requests(place) : view === "actions" ? await actions(place) : await settings(place);
  const tabs = h("nav", { class: "choices", "aria-label": "View" }, VIEWS.map(([name, words]) =>
    h("a", { class: "button", href: to("settings", name ? [name] : []), "aria-current": name === view ? "true" : null }, words)));
  return { title: VIEWS.find(([name]) => name === view)?.[1] ?? "Settings", changed: () => false, node: h("div", { class: "screen" },
    h("div", { class: "screen-head" }, h("div", null, heading("Settings and log"), h("p", null, "What this server was told, and what it was asked.")),
      h("div", { class: "row" }, tabs, h("a", { class: "button", href: new URL("admin/v1/report", ROOT).href, download: "stillmotion-report.zip" }, icon("download"), "Report"))), body) };
}

function tableOf(/** @type {string[]} */ columns, /** @type {any[]} */ rows) {
  return h("div", { class: "table-wrap" }, h("table", { class: "table table-cards" },
    h("thead", null, h("tr", null, columns.map((each) => h("th", { scope: "col" }, each)))), h("tbody", null, rows)));
}

async function settings(/** @type {any} */ place) {
  const { settings: all } = await get("admin/v1/settings", {}, place.signal);
  const rows = h("tbody", null);
  const input = h("input", { class: "input", id: "setting", type: "search", placeholder: "storage", on: { input: list } });
  function list() {
    const words = input.value.trim().toLowerCase();
    fill(rows, all.filter((/** @type {any} */ each) => each.name.includes(words)).map((/** @type {any} */ each) => h("tr", null,
      h("td", { class: "mono" }, each.name),
      h("td", { class: "mono value", data: { name: "Value" } }, each.secret ? h("span", { class: "soft" }, each.value === null ? "not set" : "set, not shown") : shown(each.value)),
      h("td", { data: { name: "Source" } }, each.source === "default" ? h("span", { class: "soft" }, "default") : each.source))));
  }
  list();
  return [h("div", { class: "field field-short" }, h("label", { htmlFor: "setting" }, "Find a setting"), input),
    h("p", { class: "soft" }, "They are read when the server starts: change them there, in its environment or its file."),
    h("div", { class: "table-wrap" }, h("table", { class: "table table-cards" }, h("thead", null, h("tr", null, ["Setting", "Value", "Source"].map((each) => h("th", { scope: "col" }, each)))), rows))];
}

function shown(/** @type {any} */ value) {
  if (value === null || value === undefined || value === "" || (Array.isArray(value) && value.length === 0)) return h("span", { class: "soft" }, "empty");
  if (Array.isArray(value)) return value.join(", ");
  if (typeof value !== "object") return value === true ? "yes" : value === false ? "no" : String(value);
  return Object.entries(value).map(([name, each]) => `${name}=${each}`).join(", ") || h("span", { class: "soft" }, "empty");
}

/** The last thousand requests, by id, status or key. */
async function requests(/** @type {any} */ place) {
  const asked = { id: place.query.get("id") ?? "", status: place.query.get("status") ?? "", key: place.query.get("key") ?? "" };
  const found = h("div", { class: "stack", "aria-live": "polite" });
  async function look() {
    try {
      const lines = (await get("admin/v1/requests", asked, place.signal)).requests;
      fill(found, lines.length ? tableOf(["At", "Request", "Status", "Took", "Key", "Id"], lines.map(line)) : empty({ icon: "list", title: "No request fits", text: "The last thousand are kept. Take a part of the filter away to find more." }));
    } catch (error) {
      fill(found, problem(error, look));
    }
  }
  let timer = /** @type {any} */ (null);
  const text = (/** @type {keyof typeof asked} */ name, /** @type {string} */ label, /** @type {string} */ example) => h("div", { class: "field" }, h("label", { htmlFor: `line-${name}` }, label),
    h("input", { class: "input", id: `line-${name}`, type: "search", value: asked[name], placeholder: example, on: { input: (/** @type {any} */ event) => {
      clearTimeout(timer);
      timer = setTimeout(() => { asked[name] = event.target.value.trim(); remember(asked); look(); }, 250);
    } } }));
  await look();
  return [h("form", { class: "card", role: "search", on: { submit: (/** @type {Event} */ event) => event.preventDefault() } }, h("div", { class: "filters" }, text("id", "Request id", "5f3a-00002a"), text("status", "Status", "404"), text("key", "Key begins with", "sm_4fKw8a"))), found];
}

function line(/** @type {any} */ each) {
  const kind = each.status >= 500 ? "state-bad" : each.status >= 400 ? "state-warn" : "state-good";
  return h("tr", null,
    h("td", { data: { name: "At" }, title: exactly(each.at) }, ago(each.at)),
    h("td", { class: "mono value", data: { name: "Request" } }, `${each.method} ${each.path}`),
    h("td", { data: { name: "Status" } }, h("span", { class: `state ${kind}` }, each.status)),
    h("td", { class: "number", data: { name: "Took" } }, each.seconds === null || each.seconds === undefined ? "–" : each.seconds < 1 ? `${Math.round(each.seconds * 1000)} ms` : lasting(each.seconds)),
    h("td", { class: "mono", data: { name: "Key" } }, each.key ? `${each.key}…` : "–"),
    h("td", { class: "mono", data: { name: "Id" } }, each.id));
}

async function actions(/** @type {any} */ place) {
  const { actions: all } = await get("admin/v1/actions", { limit: 200 }, place.signal);
  if (all.length === 0) return empty({ icon: "list", title: "Nobody did anything yet", text: "Every change that an administrator makes is noted here, and every look at a customer's clip." });
  return tableOf(["At", "Who", "Action", "Of", "Details"], all.map((/** @type {any} */ each) => h("tr", null,
    h("td", { data: { name: "At" }, title: exactly(each.at) }, ago(each.at)), h("td", { data: { name: "Who" } }, each.actor),
    h("td", { data: { name: "Action" } }, h("span", { class: "row" }, spoken(each.action), each.refused && h("span", { class: "state state-bad", title: each.refused }, "Refused"))),
    h("td", { class: "mono value", data: { name: "Of" } }, each.target || "–"),
    h("td", { class: "value", data: { name: "Details" } }, details(each)))));
}

/** "pauseQueue" as words. */
const spoken = (/** @type {string} */ name) => name.replace(/([A-Z])/g, " $1").replace(/^./, (first) => first.toUpperCase()).replace(/ [A-Z]/g, (each) => each.toLowerCase());

function details(/** @type {any} */ each) {
  const told = Object.entries(each.details ?? {}).map(([name, value]) => `${name}: ${typeof value === "object" ? JSON.stringify(value) : value}`).join(", ");
  return [told || "–", each.refused && h("p", { class: "small soft" }, each.refused)];
}
