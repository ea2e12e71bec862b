/** Bars: one for each day, with the numbers for those who hear the page or want them exact. */

import { h, sheet, svg } from "../dom.js";

/**
 * A row of bars. `of` is the whole's name, `said` a bar's words.
 * @param {{label: string, bars: {name: string, short: string, value: number, said: string, kind?: string}[]}} what
 */
export function barChart({ label, bars }) {
  sheet("css/charts.css");
  const most = Math.max(...bars.map((each) => each.value), 0) || 1;
  const every = Math.ceil(bars.length / 10);
  return h("div", { class: "bars", role: "img", "aria-label": `${label}. ${spoken(bars)}` },
    bars.map((each, at) => h("div", { class: "bar-slot", title: each.said },
      h("div", { class: `bar-value ${each.kind ?? ""}`, style: { height: `${(each.value / most) * 100}%` }, data: { none: each.value === 0 } }),
      h("span", { class: "bar-name", data: { quiet: at % every !== 0 } }, each.short))));
}

function spoken(/** @type {{value: number, said: string}[]} */ bars) {
  const highest = bars.reduce((one, other) => (other.value > one.value ? other : one), bars[0]);
  return highest && highest.value > 0 ? `The highest: ${highest.said}.` : "All are zero.";
}

/** A line of a limit: how much of it is used, from 0 to 1. */
export function meter(/** @type {string} */ label, /** @type {number} */ part) {
  sheet("css/charts.css");
  const kind = part >= 1 ? "meter-full" : part >= 0.8 ? "meter-near" : "";
  return h("div", { class: `meter ${kind}`, role: "meter", "aria-label": label, "aria-valuemin": 0, "aria-valuemax": 100, "aria-valuenow": Math.round(Math.min(part, 1) * 100) },
    h("div", { style: { width: `${Math.min(part, 1) * 100}%` } }));
}

/** A line of the last hour in small. */
export function sparkline(/** @type {string} */ label, /** @type {number[]} */ values, kind = "") {
  sheet("css/charts.css");
  const most = Math.max(...values, 1);
  const step = 100 / Math.max(values.length - 1, 1);
  const points = values.map((each, at) => `${(at * step).toFixed(2)},${(30 - (each / most) * 27).toFixed(2)}`);
  return svg("svg", { class: `spark ${kind}`, viewBox: "0 0 100 32", preserveAspectRatio: "none", role: "img", "aria-label": label },
    svg("path", { class: "spark-area", d: `M0,32 L${points.join(" L")} L100,32 Z` }), svg("path", { class: "spark-line", d: `M${points.join(" L")}` }));
}
