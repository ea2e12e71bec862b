/** Make: a picture and a sentence at one side, the clip at the other. */

import { get, GENERATIONS, post } from "../api.js";
import { fill, h, sheet } from "../dom.js";
import { feed } from "../live.js";
import { bodyOf, draft, planOf } from "../making/draft.js";
import { foot } from "../making/foot.js";
import { more } from "../making/more.js";
import { moves } from "../making/moves.js";
import { recent } from "../making/recent.js";
import { sampleCards, sampleFile } from "../making/samples.js";
import { sentence } from "../making/sentence.js";
import { stage } from "../making/stage.js";
import { shownPicture, well } from "../making/well.js";
import { anotherTake } from "../parts/clip-actions.js";
import { nobody } from "../parts/nobody.js";
import { toast } from "../parts/toast.js";
import { go, to } from "../router.js";
import { hasClips, mayWrite } from "../session.js";
import { shortcut } from "../shortcuts.js";

const PLAN_PAUSE = 250;

export async function show(/** @type {any} */ place) {
  if (!hasClips()) return nobody("Make", "everybody", "See everybody's clips");
  const { signal } = place;
  draft.open();
  await sheet("css/make.css");

  const picture = well("picture", { label: "Picture", invite: "Choose a picture", onMany, signal });
  const words = sentence({ signal, onSend: send });
  const camera = moves({ signal });
  const options = more({ signal });
  const end = foot();
  const shown = stage({ signal, rest, onClip, onCode });
  const strip = recent({ signal });
  const side = h("div", { class: "make-side" }, shown.node, strip.node);
  const form = h("form", { class: "composer", novalidate: true, on: { submit: (/** @type {Event} */ event) => { event.preventDefault(); send(); } } },
    h("div", { class: "composer-body card stack" }, picture.node, words.node, camera.node, options.node), end.node);
  const node = h("div", { class: "screen make" }, h("h1", { class: "unseen" }, "Make"), mayWrite() ? form : readersNote(), side);

  function rest() {
    const now = draft.now;
    if (now.picture) return h("div", { class: "stage-frame", style: now.picture.width ? { "--ratio": now.picture.width / /** @type {number} */ (now.picture.height) } : {} }, stagePicture(now.picture));
    return h("div", { class: "stage-rest" }, h("h2", null, "Any picture can move"),
      h("p", { class: "soft" }, "Give it a photo and one sentence. Or start with one of these: a press makes the clip."),
      sampleCards(makeSample));
  }

  async function makeSample(/** @type {any} */ sample) {
    if (!mayWrite()) return;
    draft.change({ prompt: sample.prompt, concepts: [], end: null, resolution: "540p", aspect_ratio: "" });
    await picture.send(await sampleFile(sample));
    if (draft.now.picture) await send();
  }

  async function send() {
    if (end.button.getAttribute("aria-disabled") === "true") return;
    tell([]);
    if (!picture.settled() || !options.settled()) return;
    refused = false;
    end.busy("Sending the picture");
    const arrived = await Promise.all([picture.sent(), options.sent()]);
    if (arrived.includes(false)) return end.busy(null); // The well says why.
    end.busy("Sending");
    try {
      const made = await post(GENERATIONS, bodyOf(draft.now), { headers: { "Idempotency-Key": crypto.randomUUID?.() ?? String(Math.random()) } });
      feed.follow(made);
      shown.show(made.id, made);
      go(to("make", [], { clip: made.id }));
      shown.node.scrollIntoView({ block: "nearest", behavior: "smooth" });
    } catch (error) {
      refuse(error);
    } finally {
      end.busy(null);
    }
  }

  function refuse(/** @type {any} */ error) {
    refused = true;
    const problems = error.problems?.length ? error.problems : error.status === 400 ? fieldOf(error.message) : null;
    if (problems) tell(problems, true);
    else end.say(error.message);
  }

  /** The field that a sentence without one is about; null if it is about none. */
  function fieldOf(/** @type {string} */ message) {
    if (/keyframes/i.test(message)) return [{ field: "keyframes.frame0", message: "A picture is needed: choose one, or use its address." }];
    return /prompt/i.test(message) ? [{ field: "prompt", message }] : null;
  }

  /** Show each problem beside its field; what has no field stands at the button. */
  function tell(/** @type {{field: string, message: string}[]} */ problems, focus = false) {
    const about = (/** @type {string} */ name) => problems.find((each) => each.field === name || each.field.startsWith(`${name}.`));
    const own = [about("prompt"), about("keyframes.frame0"), about("concepts")];
    words.say(own[0]?.message ?? null);
    if (problems.length || !picture.isBusy()) picture.say(own[1]?.message ?? null);
    const rest = options.say(problems.filter((each) => !own.includes(each)));
    end.say([own[2], ...rest].filter(Boolean).map((each) => `${each?.field ? `${each.field}: ` : ""}${each?.message}`).join(" ") || null);
    if (focus) form.querySelector(own[0] ? "textarea" : ".wrong")?.focus();
  }

  let asked = 0;
  /** True from a refusal to the next change: a plan that comes late leaves it standing. */
  let refused = false;
  async function plan() {
    asked += 1;
    const own = asked;
    const now = draft.now;
    if (!now.prompt.trim() && !now.picture && !now.end && !now.concepts.length) {
      words.understood(null);
      end.plan(null);
      return;
    }
    try {
      const found = await post("plan", planOf(now), { signal });
      if (own !== asked) return;
      words.understood(found);
      end.plan(found);
      // What is wrong with a sentence or a picture is told when it is sent: one may still be at it.
      if (refused) return;
      const rest = options.say(found.problems.filter((/** @type {any} */ each) => !/^(prompt|keyframes\.frame0)/.test(each.field)));
      end.say(rest[0] ? rest[0].message : null);
    } catch {
      // Without a plan the form works as well: the submit itself says what is wrong.
      if (own === asked) end.plan(null);
    }
  }

  /** @type {any} */
  let waiting = null;
  draft.addEventListener("changed", () => {
    refused = false;
    clearTimeout(waiting);
    waiting = setTimeout(plan, PLAN_PAUSE);
    shown.redraw();
  }, { signal });
  signal.addEventListener("abort", () => clearTimeout(waiting));

  async function onCode(/** @type {any} */ clip) {
    const { openCode } = await import("../parts/code.js");
    openCode(clip);
  }

  async function onMany(/** @type {File[]} */ files) {
    const { openBatch } = await import("../making/batch.js");
    openBatch(files);
  }

  function onClip(/** @type {any} */ clip) {
    strip.mark(clip?.id ?? null);
  }

  async function offer() {
    try {
      const { models } = await get("models", {}, signal);
      options.offer(models);
      camera.offer(options.model().concepts ?? []);
    } catch (error) {
      if (!signal.aborted) camera.offer(await get(`${GENERATIONS}/concepts/list`, {}, signal).catch(() => []));
    }
  }

  document.addEventListener("paste", (event) => {
    const files = [...(event.clipboardData?.files ?? [])].filter((each) => each.type.startsWith("image/"));
    if (!files.length || document.querySelector("dialog[open]")) return;
    event.preventDefault();
    picture.take(files);
  }, { signal });
  shortcut({ keys: ["Mod+Enter"], label: "Make it move", typing: true, run: send }, signal);
  shortcut({ keys: ["r"], label: "Another take", run: () => { const clip = shown.clip(); if (clip) anotherTake(clip).catch((error) => toast(error.message)); } }, signal);
  shortcut({ keys: ["d"], label: "Download", run: () => /** @type {any} */ (shown.node.querySelector("a[download]"))?.click() }, signal);
  shortcut({ keys: [" "], label: "Play or pause", run: () => /** @type {any} */ (shown.node.querySelector(".player"))?.toggle() }, signal);

  let lot = "";
  async function open(/** @type {URLSearchParams} */ query) {
    const name = query.get("lot") ?? "";
    if (name && name !== lot) {
      const { lotView } = await import("../making/lot.js");
      fill(side, lotView(name, { signal }).node, strip.node);
    } else if (lot && !name) fill(side, shown.node, strip.node);
    lot = name;
    if (!name) shown.show(query.get("clip"));
  }

  offer();
  plan();
  open(place.query);
  return {
    node,
    changed(/** @type {any} */ next) {
      const id = next.query.get("clip");
      if (next.query.has("lot") || lot || id !== (shown.clip()?.id ?? null)) open(next.query);
    },
  };
}

function stagePicture(/** @type {any} */ picture) {
  const shown = shownPicture(null, picture);
  shown.classList.add("stage-picture");
  return shown;
}

function readersNote() {
  return h("div", { class: "composer" }, h("div", { class: "card" }, h("h2", null, "You are reading along"), h("p", { class: "soft" }, "This sign-in can look at clips, not make them.")));
}
