/** Usage: seconds of video by day, by model and by key, what they cost, and what is left of each limit. */

import { address, get } from "../api.js";
import { h, sheet } from "../dom.js";
import { heading, to } from "../router.js";
import { barChart, meter } from "../parts/bars.js";
import { icon } from "../parts/icon.js";
import { hasSubscription, nobody } from "../parts/nobody.js";
import { empty } from "../parts/states.js";
import { ago, count, day, exactly, lasting, plural } from "../parts/words.js";

const LIMITS = /** @type {Record<string, [string, string]>} */ ({
  video_seconds_per_month: ["Video this month", "seconds"], concurrent_generations: ["Unfinished at once", "clips"],
  submits_per_minute: ["New clips a minute", "clips"], reads_per_minute: ["Questions a minute", "calls"],
});

const iso = (/** @type {Date} */ date) => date.toISOString().slice(0, 10);

/** The spans that can be chosen: a name, the first and the last day, both in UTC as the quota is. */
function spans(now = new Date()) {
  const month = (/** @type {number} */ back) => new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - back, 1));
  const before = (/** @type {number} */ days) => new Date(now.getTime() - days * 86_400_000);
  const end = new Date(month(0).getTime() - 86_400_000);
  return /** @type {Record<string, [string, string, string]>} */ ({
    month: ["This month", iso(month(0)), iso(now)], last: ["Last month", iso(month(1)), iso(end)], week: ["7 days", iso(before(6)), iso(now)],
  });
}

export async function show(/** @type {any} */ place) {
  await sheet("css/account.css");
  await sheet("css/charts.css");
  if (!hasSubscription()) return nobody("Usage", "customers", "See the customers");
  const all = spans();
  const chosen = place.query.get("span") in all ? place.query.get("span") : "month";
  const [, from, until] = all[chosen];
  const span = { from, to: until };
  const [account, days, models, keys] = await Promise.all([
    get("account", {}, place.signal), ...["day", "model", "key"].map((by) => get("usage", { by, ...span }, place.signal)),
  ]);
  const choices = h("nav", { class: "choices", "aria-label": "Time" }, Object.entries(all).map(([name, [words]]) =>
    h("a", { class: "button", href: to("usage", [], { span: name }), "aria-current": name === chosen ? "true" : null }, words)));
  return h("div", { class: "screen" },
    h("div", { class: "screen-head" }, h("div", null, heading("Usage"), h("p", null, `Product ${account.product.name}${price(account.product)}`)),
      h("div", { class: "row" }, choices, h("a", { class: "button", href: address("usage", { by: "day,model,key", ...span, format: "csv" }).href, download: `usage-${from}-${until}.csv` }, icon("download"), "CSV"))),
    h("section", { class: "card stack" }, totals(days.total), chart(days.rows, from, until)),
    h("div", { class: "halves" }, limits(account), h("div", { class: "stack" }, table("Model", models.rows, "model"), table("Key", keys.rows, "key"))));
}

const price = (/** @type {any} */ product) => (product.price_per_second ? `, ${count(product.price_per_second)} a second of video` : "");

function totals(/** @type {any} */ total) {
  const one = (/** @type {any} */ value, /** @type {string} */ words) => h("p", { class: "total soft" }, h("strong", null, value), words);
  return h("div", { class: "totals" },
    one(count(total.video_seconds), "seconds of video"), one(count(total.completed), total.completed === 1 ? "clip" : "clips"),
    one(count(total.cost), "cost"), one(count(total.failed), "failed, not charged"));
}

/** A bar for every day of the span, those without a clip too. */
function chart(/** @type {any[]} */ rows, /** @type {string} */ from, /** @type {string} */ until) {
  const by = new Map(rows.map((each) => [each.day, each]));
  const bars = [];
  for (let at = new Date(`${from}T00:00Z`); iso(at) <= until; at = new Date(at.getTime() + 86_400_000)) {
    const row = by.get(iso(at));
    const value = row?.video_seconds ?? 0;
    bars.push({ name: iso(at), short: String(at.getUTCDate()), value, said: `${day(iso(at))}: ${count(value)} s${row ? `, ${plural(row.completed, "clip")}` : ""}` });
  }
  if (rows.length === 0) {
    return empty({ icon: "usage", title: "No video yet", text: "Every clip counts here with its seconds, on the day it was asked for.", action: h("a", { class: "button button-main", href: to("make") }, "Make a clip") });
  }
  return barChart({ label: "Seconds of video by day", bars });
}

/** Each limit with what is left of it just now. */
function limits(/** @type {any} */ account) {
  const rows = account.limits.map((/** @type {any} */ each) => {
    const [words, unit] = LIMITS[each.name] ?? [each.name, ""];
    if (each.limit === null) return h("li", { class: "stack stack-tight" }, h("div", { class: "row row-apart" }, h("h3", null, words), h("span", { class: "soft" }, "No limit")));
    const left = each.remaining ?? each.limit;
    const soon = each.resets_at && new Date(each.resets_at).getTime() - Date.now();
    return h("li", { class: "stack stack-tight" },
      h("div", { class: "row row-apart" }, h("h3", null, words), h("span", { class: "soft number" }, `${count(left)} of ${count(each.limit)} ${unit} left`)),
      meter(`${words}: used`, each.limit ? 1 - left / each.limit : 1),
      left < each.limit && soon > 0 && h("p", { class: "small soft", title: exactly(each.resets_at) }, soon < 120_000 ? `Full again in ${lasting(soon / 1000)}` : `Full again ${ago(each.resets_at)}`));
  });
  return h("section", { class: "card stack" }, h("h2", null, "Limits now"), h("ul", { class: "stack" }, rows));
}

function table(/** @type {string} */ title, /** @type {any[]} */ rows, /** @type {string} */ by) {
  return h("section", { class: "stack stack-tight" }, h("h2", null, `By ${title.toLowerCase()}`),
    rows.length === 0 ? h("p", { class: "soft" }, "Nothing in this time.") : h("div", { class: "table-wrap" }, h("table", { class: "table table-cards" },
      h("thead", null, h("tr", null, h("th", { scope: "col" }, title), ["Clips", "Seconds", "Cost"].map((each) => h("th", { scope: "col", class: "end" }, each)))),
      h("tbody", null, rows.map((each) => h("tr", null,
        h("td", { class: by === "key" ? "mono" : "" }, by === "key" && each.key ? `${each.key}…` : (each[by] ?? "–")),
        h("td", { class: "end", data: { name: "Clips" } }, count(each.completed)),
        h("td", { class: "end", data: { name: "Seconds" } }, count(each.video_seconds)),
        h("td", { class: "end", data: { name: "Cost" } }, count(each.cost))))))));
}
