/** Camera moves as chips: each shows the move on the very picture that is in the well. */

import { fill, h } from "../dom.js";
import { draft } from "./draft.js";

const FIRST = ["push_in", "pull_out", "orbit_left", "orbit_right", "pan_left", "crane_up", "dolly_zoom"];
const SAMPLE = new URL("../samples/lake-small.webp", import.meta.url).href;

/** The name of a move as people say it. */
const moveName = (/** @type {string} */ key) => key.replaceAll("_", " ").replace(/^./, (letter) => letter.toUpperCase());

/** The chips. `offer` says which moves the model takes. */
export function moves(/** @type {{signal: AbortSignal}} */ { signal }) {
  const list = h("div", { class: "moves" });
  const node = h("fieldset", { class: "field" }, h("legend", { class: "field-name" }, "Camera"), list);
  /** @type {string[]} */
  let offered = [];
  let all = false;

  function draw() {
    const chosen = new Set(draft.now.concepts);
    const shown = all ? offered : offered.filter((each) => FIRST.includes(each) || chosen.has(each));
    const ordered = all ? shown : shown.sort((one, other) => rank(one) - rank(other));
    const hidden = offered.length - ordered.length;
    list.classList.toggle("moves-all", all);
    fill(list, ordered.map((key) => chip(key, chosen.has(key))),
      hidden > 0 && h("button", { class: "move move-more", type: "button", on: { click: () => { all = true; draw(); list.querySelectorAll("input")[ordered.length]?.focus(); } } }, `${hidden} more`));
    show();
  }

  function chip(/** @type {string} */ key, /** @type {boolean} */ checked) {
    return h("label", { class: "move" },
      h("input", { type: "checkbox", value: key, checked, on: { change: (/** @type {any} */ event) => choose(key, event.target.checked) } }),
      h("span", { class: "move-picture" }, h("img", { class: `moving moving-${key}`, alt: "" })),
      h("span", { class: "move-name" }, moveName(key)));
  }

  function choose(/** @type {string} */ key, /** @type {boolean} */ on) {
    draft.change({ concepts: on ? [...draft.now.concepts, key] : draft.now.concepts.filter((each) => each !== key) });
  }

  function show() {
    const picture = draft.now.picture;
    const url = picture?.kind === "upload" ? picture.url : picture?.kind === "generation" ? picture.image : null;
    for (const image of list.querySelectorAll("img")) image.src = url ?? SAMPLE;
  }

  draft.addEventListener("changed", (event) => {
    const names = /** @type {CustomEvent} */ (event).detail;
    if (names.includes("picture")) show();
    if (!names.includes("concepts")) return;
    const boxes = [...list.querySelectorAll("input")];
    if (draft.now.concepts.some((each) => offered.includes(each) && !boxes.some((box) => box.value === each))) draw();
    else boxes.forEach((box) => { box.checked = draft.now.concepts.includes(box.value); });
  }, { signal });

  return {
    node,
    offer(/** @type {string[]} */ concepts) {
      offered = concepts;
      node.hidden = !concepts.length;
      draw();
    },
  };
}

function rank(/** @type {string} */ key) {
  const place = FIRST.indexOf(key);
  return place < 0 ? FIRST.length : place;
}
