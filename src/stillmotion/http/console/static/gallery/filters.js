/** The gallery's filters. They stand in the address, so that a view can be kept and passed on. */

import { get } from "../api.js";
import { h } from "../dom.js";
import { icon } from "../parts/icon.js";

const STATES = [["", "All"], ["completed", "Done"], ["open", "On the way"], ["failed", "Failed"], ["favourite", "Favourites"]];
const PAUSE = 250;

/** The query of a list, from that of the address. */
export function listQuery(/** @type {URLSearchParams} */ query) {
  const state = query.get("state") ?? "";
  const day = query.get("day");
  const next = day && new Date(new Date(`${day}T00:00`).getTime() + 86_400_000);
  return {
    search: query.get("q"),
    state: state === "open" ? "queued,dreaming" : state === "favourite" ? null : state,
    model: query.get("model"),
    ...(state === "favourite" && { "metadata.favourite": "true" }),
    ...(day && next && { created_after: new Date(`${day}T00:00`).toISOString(), created_before: next.toISOString() }),
  };
}

/** True if anything is filtered. */
export const isFiltered = (/** @type {URLSearchParams} */ query) => ["q", "state", "model", "day"].some((each) => query.get(each));

/** The row of filters. `onChange` is given what changed. */
export function filters(/** @type {URLSearchParams} */ query, /** @type {(what: Record<string, string>) => void} */ onChange, /** @type {AbortSignal} */ signal) {
  /** @type {any} */
  let waiting = null;
  const search = h("input", { class: "input", id: "gallery-search", type: "search", placeholder: "Search sentences", value: query.get("q") ?? "", on: { input: () => { clearTimeout(waiting); waiting = setTimeout(() => onChange({ q: search.value.trim() }), PAUSE); } } });
  const states = h("div", { class: "choices", role: "group", "aria-label": "Show" }, STATES.map(([value, text]) => h("label", { class: "choice" },
    h("input", { type: "radio", name: "gallery-state", value, checked: (query.get("state") ?? "") === value, on: { change: () => onChange({ state: value }) } }), h("span", null, value === "favourite" && icon("star"), text))));
  const model = h("select", { class: "input gallery-model", "aria-label": "Model", hidden: true, on: { change: () => onChange({ model: model.value }) } });
  const day = h("input", { class: "input gallery-day", type: "date", "aria-label": "Day", value: query.get("day") ?? "", on: { change: () => onChange({ day: day.value }) } });
  get("models", {}, signal).then(({ models }) => {
    if (models.length < 2) return;
    model.append(h("option", { value: "" }, "Every model"), ...models.map((/** @type {any} */ each) => h("option", { value: each.name }, each.name)));
    model.value = query.get("model") ?? "";
    model.hidden = false;
  }, () => {});
  const node = h("div", { class: "gallery-filters" }, h("div", { class: "gallery-search" }, h("label", { class: "unseen", htmlFor: search.id }, "Search"), icon("search"), search), states, h("div", { class: "row gallery-narrow" }, model, day));
  return {
    node,
    search,
    /** Show the filters of an address. */
    show(/** @type {URLSearchParams} */ next) {
      if (document.activeElement !== search) search.value = next.get("q") ?? "";
      for (const input of states.querySelectorAll("input")) input.checked = input.value === (next.get("state") ?? "");
      model.value = next.get("model") ?? "";
      day.value = next.get("day") ?? "";
    },
  };
}
