/** The clips that are selected, and the bar with what can be done with all of them. */

import { fill, h } from "../dom.js";
import { announce } from "../announce.js";
import { icon } from "../parts/icon.js";
import { plural } from "../parts/words.js";

/**
 * @param {{onCompare: (ids: string[]) => void, onDownload: (ids: string[]) => void, onFavourite: (ids: string[]) => void, onDelete: (ids: string[]) => void, onChange: () => void, writable: boolean}} act
 */
export function selection({ onCompare, onDownload, onFavourite, onDelete, onChange, writable }) {
  /** @type {Set<string>} */
  const chosen = new Set();
  const node = h("div", { class: "selected", role: "region", "aria-label": "Selected clips", hidden: true });

  function draw() {
    node.hidden = !chosen.size;
    const ids = [...chosen];
    const button = (/** @type {string} */ drawn, /** @type {string} */ name, /** @type {(ids: string[]) => void} */ run, kind = "") => h("button", { class: `button ${kind}`, type: "button", on: { click: () => run(ids) } }, icon(drawn), name);
    fill(node, h("strong", { class: "number" }, `${ids.length} selected`),
      h("div", { class: "row" }, ids.length === 2 && button("compare", "Compare", onCompare), button("download", "Download", onDownload),
        writable && button("star", "Favourite", onFavourite), writable && button("trash", "Delete", onDelete, "button-bad"),
        h("button", { class: "button button-plain", type: "button", on: { click: () => clear() } }, "Clear")));
  }

  function clear() {
    chosen.clear();
    draw();
    onChange();
  }

  return {
    node,
    has: (/** @type {string} */ id) => chosen.has(id),
    size: () => chosen.size,
    ids: () => [...chosen],
    clear,
    set(/** @type {string[]} */ ids, /** @type {boolean} */ on) {
      ids.forEach((id) => (on ? chosen.add(id) : chosen.delete(id)));
      draw();
      onChange();
      announce(`${plural(chosen.size, "clip")} selected.`);
    },
  };
}
