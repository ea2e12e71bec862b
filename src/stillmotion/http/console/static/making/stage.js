/** The stage: one clip, from the picture through its making to its end. */

import { announce } from "../announce.js";
import { get, GENERATIONS } from "../api.js";
import { fill, h } from "../dom.js";
import { feed } from "../live.js";
import { again, anotherTake, cancel, copyLink, deleteClips, fileAddress, fileName, isCancelled, useAs } from "../parts/clip-actions.js";
import { icon } from "../parts/icon.js";
import { menuButton, menuItem } from "../parts/menu.js";
import { player } from "../parts/player.js";
import { problem, progressBar, remedyFor } from "../parts/states.js";
import { previewOf, showNext } from "../parts/thumbnail.js";
import { toast } from "../parts/toast.js";
import { lasting } from "../parts/words.js";
import { to } from "../router.js";
import { mayWrite } from "../session.js";

const STAGES = /** @type {Record<string, string>} */ ({ waiting: "Waiting for its turn", fetching: "Fetching the picture", loading: "Loading the model", rendering: "Moving the picture", encoding: "Writing the clip", storing: "Keeping the clip" });

/**
 * The stage. `rest` gives what stands there while no clip is shown; `onClip` hears of the clip that is.
 * @param {{signal: AbortSignal, rest: () => any, onClip: (clip: any | null) => void, onCode: (clip: any) => void}} options
 */
export function stage({ signal, rest, onClip, onCode }) {
  const node = h("section", { class: "stage", "aria-label": "Clip" });
  /** @type {any} */
  let clip = null;
  let wanted = "";
  /** @type {any} */
  let making = null;

  async function show(/** @type {string | null} */ id, /** @type {any} */ known = null) {
    wanted = id ?? "";
    making = null;
    if (!id) return draw(null);
    if (known) draw(known);
    else fill(node, h("div", { class: "stage-frame bone" }));
    try {
      const found = known ?? (await get(`${GENERATIONS}/${id}`, {}, signal));
      if (wanted !== id) return;
      if (!known) draw(found);
      if (isOpen(found)) feed.follow(found);
    } catch (error) {
      if (signal.aborted || wanted !== id) return;
      const gone = error.status === 404;
      fill(node, h("div", { class: "stage-rest" }, gone ? h("p", { class: "soft" }, "This clip was deleted, or it is another key's.") : problem(error, () => show(id))));
    }
  }

  function draw(/** @type {any} */ now) {
    clip = now;
    onClip(now);
    if (!now) fill(node, rest());
    else if (now.state === "completed") drawDone(now);
    else if (now.state === "failed") drawFailed(now);
    else drawMaking(now);
  }

  function drawMaking(/** @type {any} */ now) {
    const still = stillOf(now);
    const image = h("img", { class: "stage-picture", alt: "", src: still });
    const words = h("strong", { class: "stage-words" });
    const left = h("span", { class: "number soft" });
    const percent = h("span", { class: "number" });
    const bar = progressBar("Progress of the clip");
    const stop = h("button", { class: "button button-glass", type: "button", on: { click: () => cancel(now, (made) => show(made.id, made)).catch((error) => toast(error.message)) } }, icon("close"), "Cancel");
    const frame = h("div", { class: "stage-frame", style: frameOf(now) }, image,
      h("div", { class: "stage-making" }, h("div", { class: "row row-apart" }, h("div", { class: "row" }, words, percent, left), mayWrite() && stop), bar));
    fill(node, frame);
    image.addEventListener("load", () => {
      if (!frame.style.getPropertyValue("--ratio")) frame.style.setProperty("--ratio", String(image.naturalWidth / image.naturalHeight));
    });
    let endsAt = 0;
    making = (/** @type {any} */ happening) => {
      if (happening.preview) showNext(image, previewOf(happening));
      if (happening.eta_seconds !== undefined) endsAt = happening.eta_seconds === null ? 0 : Date.now() + happening.eta_seconds * 1000;
      const place = happening.queue_position;
      const waiting = happening.state === "queued";
      words.textContent = waiting && place ? (place === 1 ? "Next in line" : `Number ${place} in line`) : STAGES[happening.stage ?? (waiting ? "waiting" : "rendering")] ?? "Working";
      percent.textContent = waiting ? "" : `${Math.round((happening.progress ?? 0) * 100)} %`;
      bar.set(happening.progress ?? 0);
      bar.classList.toggle("progress-waiting", waiting);
      tick();
      announce(words.textContent);
    };
    const tick = () => {
      const seconds = (endsAt - Date.now()) / 1000;
      left.textContent = endsAt && seconds > 0.5 ? `about ${lasting(Math.ceil(seconds))} left` : "";
    };
    const own = making;
    const timer = setInterval(() => (own === making && !signal.aborted ? tick() : clearInterval(timer)), 1000);
    making(now);
  }

  function drawDone(/** @type {any} */ now) {
    making = null;
    const shown = player({ video: now.assets.video, poster: now.assets.image, still: now.assets.poster ?? now.assets.image, label: `Clip: ${now.request.prompt ?? "without words"}` });
    const glow = h("img", { class: "stage-glow", src: now.assets.poster ?? now.assets.image, alt: "", "aria-hidden": "true" });
    const frame = h("div", { class: "stage-frame", style: frameOf(now) }, shown);
    fill(node, glow, frame, actions(now));
    shown.video.addEventListener("loadedmetadata", () => frame.style.setProperty("--ratio", String(shown.video.videoWidth / shown.video.videoHeight)));
  }

  function actions(/** @type {any} */ now) {
    const run = (/** @type {() => any} */ act) => async () => {
      try {
        await act();
      } catch (error) {
        toast(error.message);
      }
    };
    const button = (/** @type {string} */ drawn, /** @type {string} */ name, /** @type {() => any} */ act) => h("button", { class: "button", type: "button", on: { click: run(act) } }, icon(drawn), name);
    const download = h("a", { class: "button button-strong", href: fileAddress(now), download: fileName(now) }, icon("download"), "Download");
    const item = (/** @type {string} */ drawn, /** @type {string} */ name, /** @type {() => any} */ act, kind = "") => menuItem(drawn, name, run(act), kind);
    const write = mayWrite();
    return h("div", { class: "stage-actions" }, download,
      write && [button("another", "Another take", () => anotherTake(now)), button("forward", "Continue from the last frame", () => useAs("picture", now))],
      menuButton("More", [
        write && [item("again", "Same again", () => again(now)), item("end", "Use as end", () => useAs("end", now)), item("link", "Copy link", () => copyLink(now))], item("code", "Copy as code", () => onCode(now)),
        h("a", { class: "menu-item", href: to("gallery", [now.id]) }, icon("about"), "All about this clip"),
        write && item("trash", "Delete", () => removeClip(now), "button-bad")]));
  }

  function removeClip(/** @type {any} */ now) {
    deleteClips([now], { gone: () => show(null), back: () => show(now.id, now) });
  }

  function drawFailed(/** @type {any} */ now) {
    making = null;
    const still = stillOf(now);
    const cancelled = isCancelled(now);
    fill(node, h("div", { class: "stage-frame", style: frameOf(now) }, still && h("img", { class: "stage-picture stage-picture-dim", alt: "", src: still }),
      h("div", { class: "stage-failed" }, h("h2", null, cancelled ? "Cancelled" : "This clip was not made"),
        !cancelled && h("p", null, now.failure_reason), remedyFor(now.remedy),
        mayWrite() && h("div", { class: "row" },
          h("button", { class: "button", type: "button", on: { click: () => again(now).catch((error) => toast(error.message)) } }, icon("again"), "Try again"),
          h("button", { class: "button button-glass", type: "button", on: { click: () => removeClip(now) } }, icon("trash"), "Delete")))));
  }

  feed.watch(async (happening) => {
    if (!clip || happening.id !== clip.id) return;
    if (happening.state === "deleted") return show(null);
    if (isOpen(happening) && making) return making({ ...happening });
    if (clip.state === happening.state) return;
    const now = await get(`${GENERATIONS}/${clip.id}`, {}, signal).catch(() => null);
    if (!now || wanted !== now.id) return;
    draw(now);
    announce(now.state === "completed" ? "The clip is done." : `The clip was not made. ${now.failure_reason ?? ""}`);
  }, signal);
  feed.addEventListener("awake", () => clip && isOpen(clip) && show(clip.id), { signal });

  return { node, show, redraw: () => !clip && draw(null), clip: () => clip };
}

const isOpen = (/** @type {any} */ one) => one.state === "queued" || one.state === "dreaming";

/** The picture that the clip is made of, where the page may show it. */
function stillOf(/** @type {any} */ clip) {
  const url = clip.request.keyframes?.frame0?.url;
  return url?.startsWith(new URL("../../", import.meta.url).href) ? url : clip.assets?.image ?? null;
}

/** The shape of the frame, before the clip itself is there. */
function frameOf(/** @type {any} */ clip) {
  if (clip.width && clip.height) return { "--ratio": clip.width / clip.height };
  const [width, height] = (clip.request.aspect_ratio ?? "").split(":").map(Number);
  return width && height ? { "--ratio": width / height } : {};
}
