/** Two clips side by side, in step. */

import { get, GENERATIONS } from "../api.js";
import { fill, h } from "../dom.js";
import { openDialog } from "../parts/dialog.js";
import { icon } from "../parts/icon.js";
import { still } from "../parts/player.js";
import { problem } from "../parts/states.js";
import { to } from "../router.js";

/** Open the dialog over two clips' ids. */
export async function openCompare(/** @type {string[]} */ ids, /** @type {() => void} */ onClose) {
  const body = h("div", { class: "compare", "aria-busy": "true" }, h("div", { class: "bone" }), h("div", { class: "bone" }));
  const dialog = openDialog({ title: "Side by side", body, onClose });
  dialog.classList.add("dialog-wide");
  try {
    const clips = await Promise.all(ids.slice(0, 2).map((id) => get(`${GENERATIONS}/${id}`)));
    body.removeAttribute("aria-busy");
    fill(body, pair(clips));
  } catch (error) {
    fill(body, problem(error));
  }
}

function pair(/** @type {any[]} */ clips) {
  const videos = clips.map((each) => h("video", { src: each.assets?.video ?? null, poster: each.assets?.image ?? null, muted: true, loop: true, playsinline: true, preload: "auto", "aria-label": each.request.prompt ?? "Clip" }));
  const [first, second] = videos;
  const play = h("button", { class: "button", type: "button", on: { click: () => (first.paused ? start() : stop()) } }, icon("play"), "Play both");
  const place = h("input", { class: "range", type: "range", min: 0, max: 1000, value: 0, "aria-label": "Place in both clips", on: { input: () => { stop(); videos.forEach((each) => { each.currentTime = (place.value / 1000) * (each.duration || 0); }); } } });

  function start() {
    second.currentTime = first.currentTime;
    videos.forEach((each) => each.play().catch(() => {}));
    play.replaceChildren(icon("pause"), "Pause both");
  }

  function stop() {
    videos.forEach((each) => each.pause());
    play.replaceChildren(icon("play"), "Play both");
  }

  first.addEventListener("timeupdate", () => {
    if (!first.paused && Math.abs(first.currentTime - second.currentTime) > 0.08) second.currentTime = first.currentTime;
    if (!first.paused) place.value = first.duration ? (first.currentTime / first.duration) * 1000 : 0;
  });
  let ready = 0;
  videos.forEach((each) => each.addEventListener("canplay", () => { ready += 1; if (ready === 2 && !still()) start(); }, { once: true }));
  const cards = clips.map((each, at) => h("figure", { class: "compare-card" }, videos[at], h("figcaption", { class: "small" },
    h("a", { href: to("gallery", [each.id]), dir: "auto" }, each.request.prompt ?? "Without words"), h("br"),
    h("span", { class: "soft number" }, [each.model, each.request.resolution, each.seed !== null && each.seed !== undefined && `seed ${each.seed}`].filter(Boolean).join(" · ")))));
  return [...cards, h("div", { class: "compare-controls" }, play, place)];
}
