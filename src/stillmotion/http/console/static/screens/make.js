/** Make: a picture and a sentence, and the clip beside them. */

import { GENERATIONS, post, upload } from "../api.js";
import { fill, h } from "../dom.js";
import { feed } from "../live.js";
import { problem, progressBar, stateWord } from "../parts/states.js";
import { heading } from "../router.js";

export async function show(/** @type {any} */ place) {
  const file = h("input", { class: "input", type: "file", accept: "image/*", id: "make-picture" });
  const sentence = h("input", { class: "input", id: "make-sentence", placeholder: "slow push in" });
  const stage = h("section", { class: "card", "aria-label": "Clip" }, h("p", { class: "soft" }, "The clip appears here."));
  const form = h("form", { class: "card stack", on: { submit: make } },
    h("div", { class: "field" }, h("label", { htmlFor: "make-picture" }, "Picture"), file),
    h("div", { class: "field" }, h("label", { htmlFor: "make-sentence" }, "Sentence"), sentence),
    h("button", { class: "button button-main", type: "submit" }, "Make it move"));

  async function make(/** @type {Event} */ event) {
    event.preventDefault();
    try {
      const picture = file.files[0] && (await upload(file.files[0]));
      const keyframes = picture && { frame0: { type: "image", url: picture.url } };
      const made = await post(GENERATIONS, { prompt: sentence.value, ...(keyframes && { keyframes }) });
      const bar = progressBar("Progress");
      feed.watch((now) => {
        if (now.id !== made.id) return;
        bar.set(now.progress ?? 0);
        fill(stage, stateWord(now.state), now.state === "completed" ? h("video", { src: now.assets.video, controls: true, loop: true, muted: true }) : bar);
      }, place.signal);
      feed.follow(made);
    } catch (error) {
      fill(stage, problem(error));
    }
  }

  return h("div", { class: "screen" }, heading("Make"), form, stage);
}
