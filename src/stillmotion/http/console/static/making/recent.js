/** The strip of the newest clips, under the stage. */

import { get, GENERATIONS } from "../api.js";
import { fill, h } from "../dom.js";
import { feed } from "../live.js";
import { isCancelled } from "../parts/clip-actions.js";
import { icon } from "../parts/icon.js";
import { pictureOf } from "../parts/thumbnail.js";
import { to } from "../router.js";

const SHOWN = 8;

/** The strip. `mark` says which clip is on the stage. */
export function recent(/** @type {{signal: AbortSignal}} */ { signal }) {
  const list = h("ul", { class: "recent-list" });
  const node = h("nav", { class: "recent", "aria-label": "Newest clips", hidden: true }, list);
  /** @type {string | null} */
  let marked = null;

  async function draw() {
    const page = await get(GENERATIONS, { limit: SHOWN }, signal).catch(() => null);
    if (!page) return;
    feed.know(page.generations);
    node.hidden = !page.generations.length;
    fill(list, page.generations.map((/** @type {any} */ each) => h("li", null, tile(each))),
      h("li", null, h("a", { class: "recent-tile recent-all", href: to("gallery") }, icon("gallery"), "All clips")));
    mark(marked);
  }

  function tile(/** @type {any} */ clip) {
    const picture = pictureOf(clip);
    const words = clip.request.prompt ?? "Without words";
    const state = isCancelled(clip) ? "close" : clip.state === "failed" ? "failures" : clip.state === "completed" ? null : "wait";
    return h("a", { class: "recent-tile", href: to("make", [], { clip: clip.id }), data: { id: clip.id }, title: words, "aria-label": `${words}${state ? ` (${clip.state})` : ""}` },
      picture && h("img", { src: picture, alt: "", loading: "lazy" }), (state || !picture) && icon(state ?? "picture"));
  }

  function mark(/** @type {string | null} */ id) {
    marked = id;
    for (const each of list.querySelectorAll("[data-id]")) each.toggleAttribute("aria-current", each.dataset.id === id);
    for (const each of list.querySelectorAll("[aria-current]")) each.setAttribute("aria-current", "true");
  }

  const seen = new Map();
  feed.watch((happening) => {
    if (seen.get(happening.id) === happening.state) return;
    seen.set(happening.id, happening.state);
    draw();
  }, signal);
  draw();
  return { node, mark };
}
