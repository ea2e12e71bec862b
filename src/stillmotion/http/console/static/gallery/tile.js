/** A tile of the gallery: the clip in its shape, which plays while it is pointed at. */

import { h, fill } from "../dom.js";
import { icon } from "../parts/icon.js";
import { still } from "../parts/player.js";
import { pictureOf } from "../parts/thumbnail.js";
import { isCancelled } from "../parts/clip-actions.js";
import { to } from "../router.js";

/**
 * A tile. `update` shows a newer form of the clip; `play` plays or stops it.
 * @param {any} clip
 * @param {{selected: boolean, onSelect: (id: string, on: boolean, range: boolean) => void, onFavourite: (clip: any) => void, writable: boolean}} options
 */
export function clipTile(clip, { selected, onSelect, onFavourite, writable }) {
  let now = clip;
  const picture = h("div", { class: "tile-picture" });
  const words = h("span", { class: "tile-words", dir: "auto" });
  const link = h("a", { class: "tile-link", href: to("gallery", [clip.id]) }, picture, words);
  const box = h("input", { type: "checkbox", checked: selected, on: { click: (/** @type {MouseEvent} */ event) => onSelect(clip.id, box.checked, event.shiftKey) } });
  const star = h("button", { class: "tile-star", type: "button", on: { click: () => onFavourite(now) } }, icon("star"));
  const play = h("button", { class: "tile-play", type: "button", on: { click: () => toggle() } }, icon("play"));
  const node = h("article", { class: "tile", data: { id: clip.id } }, link, h("label", { class: "tile-box" }, box), writable && star, play);
  /** @type {HTMLVideoElement | null} */
  let video = null;

  function update(/** @type {any} */ newer) {
    now = newer;
    const title = now.request.prompt ?? "Without words";
    const done = now.state === "completed";
    link.setAttribute("aria-label", `${title}${done ? "" : `, ${now.state}`}`);
    box.setAttribute("aria-label", `Select ${title}`);
    play.setAttribute("aria-label", `Play ${title}`);
    play.hidden = !done;
    words.textContent = title;
    const favourite = now.metadata?.favourite === "true";
    star.setAttribute("aria-pressed", String(favourite));
    star.setAttribute("aria-label", favourite ? "No longer a favourite" : "Favourite");
    stop();
    const image = pictureOf(now);
    fill(picture, image && h("img", { src: image, alt: "", loading: "lazy", decoding: "async" }), !done && over(now));
    node.classList.toggle("tile-failed", now.state === "failed" && !isCancelled(now));
  }

  function start() {
    const url = now.assets?.preview_video ?? now.assets?.video;
    if (video || !url) return;
    video = h("video", { src: url, muted: true, loop: true, playsinline: true, "aria-hidden": "true", tabindex: -1 });
    const own = /** @type {HTMLVideoElement} */ (video);
    own.addEventListener("canplay", () => own === video && own.play().catch(() => {}), { once: true });
    picture.append(own);
    play.replaceChildren(icon("pause"));
  }

  function stop() {
    if (!video) return;
    video.removeAttribute("src");
    video.load();
    video.remove();
    video = null;
    play.replaceChildren(icon("play"));
  }

  function toggle() {
    video ? stop() : start();
  }

  if (matchMedia("(hover: hover)").matches) {
    node.addEventListener("pointerenter", () => !still() && start());
    node.addEventListener("pointerleave", stop);
  }
  update(clip);
  return Object.assign(node, { update, toggle, select: (/** @type {boolean} */ on) => { box.checked = on; } });
}

/** What lies over the picture of a clip that is not done. */
function over(/** @type {any} */ clip) {
  if (isCancelled(clip)) return h("div", { class: "tile-over" }, icon("close"), h("p", null, "Cancelled"));
  if (clip.state === "failed") return h("div", { class: "tile-over" }, icon("failures"), h("p", null, clip.failure_reason ?? "Failed"));
  const place = clip.queue_position;
  const text = clip.state === "queued" ? (place ? (place === 1 ? "Next in line" : `Number ${place} in line`) : "Waiting") : `${Math.round(clip.progress * 100)} %`;
  return h("div", { class: "tile-over tile-busy" }, icon("wait"), h("p", { class: "number" }, text));
}

/** The bones of some rows. */
export function skeletonRows() {
  return h("div", { "aria-busy": "true" }, h("span", { class: "unseen" }, "Loading"),
    [[16, 9, 4], [4, 16, 9], [9, 9, 9]].map((shapes) => h("div", { class: "wall-row", style: { height: "14rem" } }, shapes.map((each) => h("div", { class: "bone", style: { "flex-grow": each } })))));
}
