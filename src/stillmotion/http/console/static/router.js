/** Addresses of the console: `#/gallery/ID?state=failed&q=fox`. All that a screen shows is in its address. */

import { fill, h } from "./dom.js";
import { screens } from "./screens.js";
import { problem, skeleton } from "./parts/states.js";

export const HOME = "make";

/**
 * @typedef {object} Place
 * @property {string} name the screen's name
 * @property {string[]} rest the parts of the path after it
 * @property {URLSearchParams} query
 */

/** @returns {Place} */
export function here() {
  const [path, query] = location.hash.replace(/^#\/?/, "").split("?");
  const [name, ...rest] = path.split("/").filter(Boolean).map((each) => decode(each));
  return { name: name ?? HOME, rest, query: new URLSearchParams(query ?? "") };
}

function decode(/** @type {string} */ text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The address of a screen, for `href`. Empty values of the query are left out. */
export function to(/** @type {string} */ name, /** @type {string[]} */ rest = [], /** @type {Record<string, any>} */ query = {}) {
  const kept = Object.entries(query).filter(([, value]) => value !== null && value !== undefined && value !== "" && value !== false);
  const asked = new URLSearchParams(kept.map(([key, value]) => [key, String(value)])).toString();
  return `#/${[name, ...rest].map(encodeURIComponent).join("/")}${asked ? `?${asked}` : ""}`;
}

/** Go to an address of `to`. With `replace` the present one leaves the history. */
export function go(/** @type {string} */ where, { replace = false } = {}) {
  if (where === location.hash) return;
  if (replace) {
    history.replaceState(null, "", where);
    window.dispatchEvent(new HashChangeEvent("hashchange"));
  } else {
    location.hash = where;
  }
}

/** Write a query into the present address without a new entry in the history and without showing the screen anew. */
export function remember(/** @type {Record<string, any>} */ query) {
  const place = here();
  history.replaceState(null, "", to(place.name, place.rest, { ...Object.fromEntries(place.query), ...query }));
}

/** Shows the screen of the present address in an element, and another one when the address changes. */
export class Router {
  /** @param {HTMLElement} outlet @param {(name: string) => void} onShown */
  constructor(outlet, onShown) {
    this.outlet = outlet;
    this.onShown = onShown;
    /** @type {AbortController | null} */
    this.leaving = null;
    /** @type {any} */
    this.shown = null;
    this.name = "";
    window.addEventListener("hashchange", () => this.show());
  }

  /** Show the present address. A screen that takes a change of its own address is kept. */
  async show({ anew = false } = {}) {
    const place = here();
    if (!anew && place.name === this.name && this.shown?.changed && (await this.shown.changed(place)) !== false) return;
    this.leaving?.abort();
    const leaving = (this.leaving = new AbortController());
    this.name = place.name;
    this.shown = null;
    const known = screens[place.name];
    const waiting = setTimeout(() => fill(this.outlet, skeleton()), 150);
    const shown = known ? await this.load(known, place, leaving.signal) : lost();
    clearTimeout(waiting);
    if (leaving.signal.aborted) return;
    this.shown = shown;
    fill(this.outlet, shown.node);
    this.onShown(place.name);
    this.settle(shown.title ?? known?.label ?? "Not found");
  }

  /** @param {any} known @param {Place} place @param {AbortSignal} signal */
  async load(known, place, signal) {
    try {
      const screen = await known.load();
      const shown = await screen.show({ ...place, signal });
      return shown instanceof Node ? { node: shown } : shown;
    } catch (error) {
      if (!signal.aborted && !(error.name === "Refusal" || error.status !== undefined)) console.error(error);
      const node = h("div", { class: "screen" }, heading(known.label), problem(error, () => this.show({ anew: true })));
      return { node };
    }
  }

  /** Name the page, and put the focus on its heading for those who hear it. */
  settle(/** @type {string} */ title) {
    document.body.dataset.title = title;
    window.dispatchEvent(new Event("titled"));
    window.scrollTo(0, 0);
    const head = this.outlet.querySelector("h1");
    if (!head) return;
    head.tabIndex = -1;
    if (!this.outlet.contains(document.activeElement)) head.focus({ preventScroll: true });
  }
}

/** The heading of a screen. */
export function heading(/** @type {string} */ text) {
  return h("h1", { tabindex: -1 }, text);
}

function lost() {
  return {
    title: "Not found",
    node: h("div", { class: "screen screen-narrow" }, heading("There is nothing at this address"),
      h("p", { class: "soft" }, "The link may be old, or a letter of it is missing."),
      h("div", { class: "row" }, h("a", { class: "button button-main", href: to(HOME) }, "Make a clip"))),
  };
}
