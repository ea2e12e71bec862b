/** Overview: is the service well, why not, and what to do; how much waits, how long things take. For administrators. */

import { get } from "../api.js";
import { fill, h, sentence, sheet } from "../dom.js";
import { heading, to } from "../router.js";
import { sparkline } from "../parts/bars.js";
import { icon } from "../parts/icon.js";
import { problem } from "../parts/states.js";
import { bytes, count, lasting, plural } from "../parts/words.js";
import { renew, steadily } from "../parts/steadily.js";

const LOOK_SECONDS = 10;

const NAMES = /** @type {Record<string, string>} */ ({
  store: "Database", storage: "Storage of clips", worker: "Renderers", renderers: "Renderers", workers: "Renderers", servers: "Other servers", sqlite: "SQLite", disk: "Disk", callbacks: "Callbacks", queue: "Queue",
});
const nameOf = (/** @type {string} */ name) => NAMES[name] ?? name.charAt(0).toUpperCase() + name.slice(1).replaceAll("_", " ");

export async function show(/** @type {any} */ place) {
  await sheet("css/service.css");
  await sheet("css/charts.css");
  const title = heading("Overview");
  const body = h("div", { class: "stack stack-wide" });
  const { subscriptions } = await get("admin/v1/subscriptions", {}, place.signal);
  const names = new Map(subscriptions.map((/** @type {any} */ each) => [each.id, each.name]));
  await steadily(async () => {
    const status = await get("admin/v1/status", {}, place.signal);
    renew(body, verdict(status), near((status.near_limit ?? []).map((/** @type {any} */ each) => names.get(each.subscription) ?? each.subscription)), numbers(status), lastHour(status.sparklines), checks(status.checks), foot(status));
  }, LOOK_SECONDS, place.signal, (error) => fill(body, problem(error)));
  return h("div", { class: "screen" },
    h("div", { class: "screen-head" }, h("div", null, title, h("p", null, "How the service is, right now."))), body);
}

/** One sentence on how it is, and every trouble with its remedy. */
function verdict(/** @type {any} */ status) {
  const troubles = status.checks.filter((/** @type {any} */ each) => !each.ok);
  const paused = status.queue?.paused;
  if (troubles.length === 0 && !paused) return h("p", { class: "notice notice-good verdict" }, icon("check"), h("span", null, "All is well."));
  return h("div", { class: "stack stack-tight", role: "region", "aria-label": "Troubles" },
    troubles.map((/** @type {any} */ each) => h("div", { class: "notice notice-bad verdict" }, icon("failures"),
      h("div", null, h("p", null, h("strong", null, `${nameOf(each.name)}: `), sentence(each.said)), each.remedy && h("p", null, sentence(each.remedy))))),
    paused && h("div", { class: "notice notice-warn verdict" }, icon("pause"), h("div", null, h("p", null, h("strong", null, "The queue is paused. "), "Nothing new is begun."), h("p", null, h("a", { href: to("everybody") }, "Go to the queue")))));
}

function near(/** @type {string[]} */ customers) {
  if (customers.length === 0) return null;
  return h("div", { class: "notice notice-warn verdict" }, icon("customers"), h("div", null, h("p", null, h("strong", null, "Near a limit: "), [...new Set(customers)].join(", ")), h("p", null, h("a", { href: to("customers") }, "See the customers"))));
}

function numbers(/** @type {any} */ status) {
  const depth = Object.entries(status.queue?.depth ?? {});
  const waiting = depth.reduce((sum, [, each]) => sum + each, 0);
  const tile = (/** @type {string} */ label, /** @type {any} */ value, /** @type {any} */ more, /** @type {string | null} */ href = null) =>
    h(href ? "a" : "div", { class: "card tile", href }, h("p", { class: "soft" }, label), h("p", { class: "tile-value number" }, value), h("p", { class: "small soft" }, more));
  const of = (/** @type {any} */ each) => lasting(each?.p50);
  const slow = (/** @type {any} */ each) => (each?.p95 === null || each?.p95 === undefined ? "nothing measured yet" : `1 in 20 takes over ${lasting(each.p95)}`);
  return h("div", { class: "tiles" },
    tile("Waiting", count(waiting), waiting ? (status.queue.oldest_seconds === null ? "" : `the oldest for ${lasting(status.queue.oldest_seconds)}`) : "nobody waits", to("everybody", [], { state: "queued" })),
    tile("Wait", of(status.wait), slow(status.wait)),
    tile("Render", of(status.render), slow(status.render)),
    tile("Failed, last hour", count(status.failures_last_hour), status.failures_last_hour ? "see the reasons" : "none", to("everybody", ["failures"])),
    tile("Renderers", count(status.workers), status.workers === 1 ? "process at work" : "processes at work", to("models")),
    tile("Disk free", bytes(status.disk?.free_bytes), `of ${bytes(status.disk?.total_bytes)}; clips take ${bytes(status.storage_bytes)}`));
}

/** The last sixty minutes, a minute a step. */
function lastHour(/** @type {any} */ lines) {
  const one = (/** @type {string} */ name, /** @type {string} */ label, /** @type {string} */ kind) => {
    const values = lines?.[name] ?? [];
    const sum = values.reduce((/** @type {number} */ all, /** @type {number} */ each) => all + each, 0);
    return h("div", { class: "card tile" }, h("div", { class: "row row-apart" }, h("p", { class: "soft" }, label), h("p", { class: "number" }, h("strong", null, count(sum)))), sparkline(`${label} in the last hour: ${count(sum)}`, values, kind));
  };
  return h("section", { class: "stack" }, h("h2", null, "The last hour"), h("div", { class: "tiles" }, one("submitted", "Asked for", ""), one("completed", "Done", "spark-good"), one("failed", "Failed", "spark-bad")));
}

function checks(/** @type {any[]} */ all) {
  return h("section", { class: "stack" }, h("h2", null, "Checks"), h("ul", { class: "card checks" }, all.map((each) =>
    h("li", { class: "check" }, h("span", { class: `state ${each.ok ? "state-good" : "state-bad"}` }, each.ok ? "Well" : "Not well"),
      h("div", null, h("h3", null, nameOf(each.name)), h("p", { class: "soft" }, sentence(each.said)), !each.ok && each.remedy && h("p", null, sentence(each.remedy)))))));
}

function foot(/** @type {any} */ status) {
  return h("p", { class: "soft small" }, `Stillmotion ${status.version}, up for ${up(status.uptime_seconds)}. ${plural(Object.keys(status.queue?.depth ?? {}).length, "engine")} with a queue.`);
}

function up(/** @type {number} */ seconds) {
  return seconds < 172_800 ? lasting(seconds) : plural(Math.floor(seconds / 86_400), "day");
}
