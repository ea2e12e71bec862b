/** A player: the clip loops without sound, with its place, one frame on and back, sound and the whole screen. */

import { h } from "../dom.js";
import { icon } from "./icon.js";

/** True for one who wants little to move. */
export const still = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

/**
 * A player of a clip. `still` is a small picture that is there at once, below the film. Its `video` is the element; `step` moves by frames; `toggle` plays or pauses.
 * @param {{video: string, poster?: string | null, still?: string | null, label: string, fps?: number, whole?: boolean}} clip with `whole`, every control
 */
export function player({ video: url, poster = null, still: small = poster, label, fps = 24, whole = false }) {
  const video = h("video", { src: url, poster, loop: true, muted: true, playsinline: true, preload: "auto", "aria-label": label, tabindex: -1 });
  const play = button("play", "Play", () => toggle());
  const place = h("input", { type: "range", class: "range player-place", min: 0, max: 1000, value: 0, step: 1, "aria-label": "Place in the clip", on: { input: () => seek(place.value / 1000) } });
  const time = h("span", { class: "number small player-time" }, "0.0 s");
  const loop = button("loop", "Loop", () => { video.loop = !video.loop; loop.setAttribute("aria-pressed", String(video.loop)); });
  const sound = button("mute", "Sound", () => { video.muted = !video.muted; drawSound(); });
  loop.setAttribute("aria-pressed", "true");
  const controls = h("div", { class: "player-controls" }, play, place, time,
    whole && button("left", "One frame back", () => step(-1)), whole && button("right", "One frame on", () => step(1)),
    whole && loop, whole && sound, button("wide", "Whole screen", () => whole_screen()));
  const node = h("div", { class: "player" }, small && h("img", { class: "player-still", src: small, alt: "" }), video, controls);

  function button(/** @type {string} */ drawn, /** @type {string} */ name, /** @type {() => void} */ run) {
    return h("button", { class: "player-button", type: "button", "aria-label": name, title: name, on: { click: run } }, icon(drawn));
  }

  function drawSound() {
    sound.replaceChildren(icon(video.muted ? "mute" : "sound"));
    sound.setAttribute("aria-label", video.muted ? "Sound on" : "Sound off");
  }

  function toggle() {
    if (video.paused) video.play().catch(() => {});
    else video.pause();
  }

  function step(/** @type {number} */ frames) {
    video.pause();
    if (!video.duration) return;
    video.currentTime = Math.min(Math.max(0, video.currentTime + frames / fps), Math.max(0, video.duration - 1 / fps));
  }

  function seek(/** @type {number} */ part) {
    if (video.duration) video.currentTime = part * video.duration;
  }

  function whole_screen() {
    if (document.fullscreenElement) document.exitFullscreen();
    else node.requestFullscreen?.().catch(() => {});
  }

  function tell() {
    place.value = video.duration ? (video.currentTime / video.duration) * 1000 : 0;
    time.textContent = `${video.currentTime.toFixed(1)} s`;
    place.setAttribute("aria-valuetext", `${video.currentTime.toFixed(1)} of ${(video.duration || 0).toFixed(1)} seconds`);
  }

  for (const kind of ["play", "pause"]) {
    video.addEventListener(kind, () => {
      play.replaceChildren(icon(video.paused ? "play" : "pause"));
      play.setAttribute("aria-label", video.paused ? "Play" : "Pause");
    });
  }
  video.addEventListener("timeupdate", tell);
  video.addEventListener("seeked", tell);
  video.addEventListener("click", toggle);
  if (!still()) video.addEventListener("canplay", () => video.play().catch(() => {}), { once: true });
  return Object.assign(node, { video, step, toggle });
}
