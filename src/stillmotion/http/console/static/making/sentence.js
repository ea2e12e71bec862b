/** The sentence, and live under it what is understood of it. */

import { announce } from "../announce.js";
import { fill, h } from "../dom.js";
import { icon } from "../parts/icon.js";
import { wrong } from "../parts/states.js";
import { draft } from "./draft.js";

/** The field. `understood` shows a plan; `say` shows what is wrong. */
export function sentence(/** @type {{signal: AbortSignal, onSend: () => void}} */ { signal, onSend }) {
  const input = h("textarea", {
    class: "input sentence", id: "make-sentence", dir: "auto", rows: 1, maxlength: 5000, placeholder: "Slow push in, she leans closer",
    value: draft.now.prompt, "aria-describedby": "make-understood make-sentence-wrong", enterkeyhint: "send",
    on: { input: () => draft.change({ prompt: input.value }), keydown: (/** @type {KeyboardEvent} */ event) => { if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); onSend(); } } },
  });
  const told = h("div");
  const line = h("p", { class: "understood", id: "make-understood" });
  const notes = h("ul", { class: "hint" });
  /** @type {any} */
  let saying = null;

  draft.addEventListener("changed", (event) => {
    if (/** @type {CustomEvent} */ (event).detail.includes("prompt") && input.value !== draft.now.prompt) input.value = draft.now.prompt;
  }, { signal });

  return {
    node: h("div", { class: "field" }, h("label", { htmlFor: input.id }, "What should happen?"), input, told, line, notes),
    input,
    say(/** @type {string | null} */ problem) {
      fill(told, problem && wrong("make-sentence-wrong", problem));
      if (problem) input.setAttribute("aria-invalid", "true");
      else input.removeAttribute("aria-invalid");
    },
    understood(/** @type {any} */ plan) {
      const known = wordsOf(plan);
      const missed = plan?.not_understood ?? [];
      fill(line, known.map((/** @type {string} */ each) => h("span", { class: "word word-known" }, icon("check"), each)),
        missed.length > 0 && h("span", { class: "word word-missed" }, h("span", null, "Not understood: ", h("bdi", null, missed.join(", ")))));
      fill(notes, (plan?.notes ?? []).slice(0, 3).map((/** @type {string} */ each) => h("li", null, each)));
      clearTimeout(saying);
      const words = [known.length && `Understood: ${known.join(", ")}.`, missed.length && `Not understood: ${missed.join(", ")}.`].filter(Boolean).join(" ");
      if (words && document.activeElement === input) saying = setTimeout(() => announce(words), 1200);
    },
  };
}

/** The words of a plan, as the sentence of the service has them. */
function wordsOf(/** @type {any} */ plan) {
  if (!plan) return [];
  if (plan.sentence) return plan.sentence.split(" · ").filter((/** @type {string} */ each) => each && !each.startsWith("not understood"));
  const understood = plan.understood ?? plan;
  const groups = [...(understood.moves ?? []).flat(), ...(understood.subject ?? []), ...(understood.effects ?? understood.ambient ?? [])];
  return groups.filter((each) => typeof each === "string").map((/** @type {string} */ each) => each.replaceAll("_", " "));
}
