/** One clip: the player, the whole request, what was understood, the timeline, links, callbacks, the raw record. */

import { get, GENERATIONS, isOurs, patch, remove } from "../api.js";
import { fill, h, sheet } from "../dom.js";
import { feed } from "../live.js";
import { again, anotherTake, cancel, copyLink, deleteClips, fileAddress, fileName, isCancelled, useAs, useSettings } from "../parts/clip-actions.js";
import { copy } from "../parts/copy.js";
import { icon } from "../parts/icon.js";
import { menuButton, menuItem } from "../parts/menu.js";
import { player } from "../parts/player.js";
import { callbackState, empty, problem, progressBar, remedyFor, stateWord } from "../parts/states.js";
import { pictureOf, previewOf, showNext } from "../parts/thumbnail.js";
import { timeline } from "../parts/timeline.js";
import { toast } from "../parts/toast.js";
import { ago, bytes, count, exactly, lasting } from "../parts/words.js";
import { go, to } from "../router.js";
import { mayWrite } from "../session.js";
import { shortcut } from "../shortcuts.js";

export async function show(/** @type {any} */ place) {
  await Promise.all([sheet("css/make.css"), sheet("css/clip.css")]);
  const { signal, rest } = place;
  const id = rest[0];
  let clip = /** @type {any} */ (null);
  try {
    clip = await get(`${GENERATIONS}/${id}`, {}, signal);
  } catch (error) {
    if (error.status !== 404) throw error;
    return { title: "Gone", node: gone() };
  }
  const head = h("div", { class: "clip-head" });
  const hero = h("div", { class: "clip-hero" });
  const side = h("div", { class: "stack" });
  const node = h("div", { class: "screen clip" },
    h("nav", { "aria-label": "Back" }, h("a", { class: "button button-plain button-back", href: to("gallery") }, icon("left"), "Gallery")), head,
    h("div", { class: "clip-columns" }, h("div", { class: "stack" }, hero, h("div", { class: "clip-below stack" })), side));
  const below = /** @type {any} */ (node.querySelector(".clip-below"));

  function draw() {
    fill(head, h("h1", { class: "clip-title", dir: "auto" }, clip.request.prompt ?? "A clip without words"),
      h("p", { class: "row soft" }, stateWord(isCancelled(clip) ? "cancelled" : clip.state), h("span", { title: exactly(clip.created_at) }, ago(clip.created_at)), clip.metadata?.favourite === "true" && h("span", { class: "row" }, icon("star"), "Favourite")));
    fill(hero, heroOf(clip, () => refresh()));
    fill(below, actions(clip), h("section", { class: "card stack" }, h("h2", null, "Timeline"), slot("timeline", async () => timeline((await get(`generations/${id}/timeline`, {}, signal)).events))),
      clip.state === "completed" && mayWrite() && h("section", { class: "card stack" }, h("h2", null, "Links"), linksOf()));
    fill(side, requestCard(clip), understoodCard(), resultCard(clip), callbacksCard(), rawCard(clip));
  }

  /** A part that is asked for by itself: its trouble is its own. */
  function slot(/** @type {string} */ name, /** @type {() => Promise<any>} */ load) {
    const box = h("div", { "aria-busy": "true", data: { slot: name } }, h("div", { class: "bone", style: { height: "4rem" } }));
    const run = () => load().then((made) => fill(box, made), (error) => { if (!signal.aborted) fill(box, problem(error, run)); }).finally(() => box.removeAttribute("aria-busy"));
    run();
    return box;
  }

  function understoodCard() {
    return h("section", { class: "card stack stack-tight" }, h("h2", null, "What was understood"), slot("plan", async () => {
      const { plan } = await get(`generations/${id}/plan`, {}, signal);
      if (!plan) return h("p", { class: "soft" }, clip.state === "completed" ? "This model takes the words as they are." : clip.state === "failed" ? "Nothing: the clip was not made." : "It is known once the clip is made.");
      const known = [...(plan.moves ?? []).flat(), ...(plan.subject ?? []), ...(plan.ambient ?? plan.effects ?? [])].filter((each) => typeof each === "string");
      const missed = (plan.ignored ?? []).map((/** @type {any} */ each) => (typeof each === "string" ? { words: each } : each));
      return [h("p", { class: "understood" }, known.length ? known.map((each) => h("span", { class: "word word-known" }, icon("check"), each.replaceAll("_", " "))) : h("span", { class: "soft" }, "A move that suits the picture.")),
        missed.length > 0 && h("ul", { class: "stack stack-tight" }, missed.map((/** @type {any} */ each) => h("li", { class: "small" }, h("strong", { class: "word-missed" }, each.words.replaceAll("_", " ")), each.reason && h("span", { class: "soft" }, `: ${each.reason}`))))];
    }));
  }

  function callbacksCard() {
    if (!clip.request.callback_url) return null;
    return h("section", { class: "card stack" }, h("h2", null, "Callbacks"), slot("callbacks", async () => {
      const { callbacks } = await get(`generations/${id}/callbacks`, {}, signal);
      return callbacks.length ? h("ul", { class: "stack stack-tight" }, callbacks.map((/** @type {any} */ each) => h("li", { class: "row row-apart" }, h("span", { class: "one-line" }, each.url), callbackState(each.state)))) : h("p", { class: "soft" }, "None yet.");
    }), h("a", { href: to("callbacks") }, "All callbacks"));
  }

  function linksOf() {
    return slot("links", async () => {
      const found = (await get(`generations/${id}/links`, {}, signal)).links;
      return [found.length ? h("ul", { class: "stack stack-tight" }, found.map(linkRow)) : h("p", { class: "soft" }, "Nobody has a link to this clip."),
        h("div", null, h("button", { class: "button", type: "button", on: { click: () => copyLink(clip).then(draw, (error) => toast(error.message)) } }, icon("link"), "Copy a new link"))];
    });
  }

  function linkRow(/** @type {any} */ link) {
    const takeBack = async () => {
      try {
        await remove(`generations/${id}/links/${link.id}`);
        toast("The link no longer works.");
        draw();
      } catch (error) {
        toast(error.message);
      }
    };
    return h("li", { class: "row row-apart" }, h("span", null, "Works until ", h("strong", null, exactly(link.expires_at))),
      h("span", { class: "row" }, link.url && h("button", { class: "button", type: "button", on: { click: () => copy(link.url, "Link copied.") } }, icon("copy"), "Copy"), h("button", { class: "button button-bad", type: "button", on: { click: takeBack } }, "Take back")));
  }

  function actions(/** @type {any} */ now) {
    const done = now.state === "completed";
    const write = mayWrite();
    const tried = (/** @type {() => any} */ run) => () => Promise.resolve(run()).catch((error) => toast(error.message));
    const button = (/** @type {string} */ drawn, /** @type {string} */ name, /** @type {() => any} */ run) => h("button", { class: "button", type: "button", on: { click: tried(run) } }, icon(drawn), name);
    const item = (/** @type {string} */ drawn, /** @type {string} */ name, /** @type {() => any} */ run, kind = "") => menuItem(drawn, name, tried(run), kind);
    return h("div", { class: "row clip-actions" },
      done && h("a", { class: "button button-strong", href: fileAddress(now), download: fileName(now) }, icon("download"), "Download"),
      write && now.state === "failed" && button("again", "Try again", () => again(now)),
      write && button("edit", "Use these settings", () => useSettings(now)),
      write && done && button("another", "Another take", () => anotherTake(now)),
      menuButton("More", [
        write && done && [item("forward", "Continue from the last frame", () => useAs("picture", now)), item("end", "Use as end", () => useAs("end", now))],
        write && item("star", now.metadata?.favourite === "true" ? "No longer a favourite" : "Favourite", favourite),
        item("code", "Copy as code", async () => (await import("../parts/code.js")).openCode(now)),
        write && item("trash", "Delete", removeClip, "button-bad")]));
  }

  async function favourite() {
    clip = await patch(`generations/${id}`, { metadata: { favourite: clip.metadata?.favourite === "true" ? null : "true" } });
    draw();
  }

  function removeClip() {
    deleteClips([clip], { gone: () => go(to("gallery")), back: () => go(to("gallery", [id])) });
  }

  async function refresh() {
    clip = await get(`${GENERATIONS}/${id}`, {}, signal);
    draw();
  }

  feed.watch((happening) => {
    if (happening.id !== id) return;
    if (happening.state === "deleted") return fill(node, gone());
    if (happening.state !== clip.state) return void refresh().catch(() => {});
    hero.querySelector(".clip-progress")?.update(happening);
  }, signal);
  feed.addEventListener("awake", () => refresh().catch(() => {}), { signal });

  const shown = () => /** @type {any} */ (hero.querySelector(".player"));
  shortcut({ keys: [" "], label: "Play or pause", run: () => shown()?.toggle() }, signal);
  shortcut({ keys: [","], label: "One frame back", run: () => shown()?.step(-1) }, signal);
  shortcut({ keys: ["."], label: "One frame on", run: () => shown()?.step(1) }, signal);
  shortcut({ keys: ["d"], label: "Download", run: () => below.querySelector("a[download]")?.click() }, signal);
  shortcut({ keys: ["Escape"], label: "Back to the gallery", run: () => go(to("gallery")) }, signal);
  if (mayWrite()) {
    shortcut({ keys: ["u"], label: "Use these settings", run: () => useSettings(clip) }, signal);
    shortcut({ keys: ["r"], label: "Another take", run: () => anotherTake(clip).catch((error) => toast(error.message)) }, signal);
    shortcut({ keys: ["Delete", "Backspace"], label: "Delete", run: removeClip }, signal);
  }
  draw();
  return { title: clip.request.prompt ?? "Clip", node };
}

function gone() {
  return h("div", { class: "screen screen-narrow" }, h("h1", { class: "unseen" }, "This clip is not here"),
    empty({ icon: "gallery", title: "This clip is not here", text: "It was deleted, or it is another key's.", action: h("a", { class: "button button-main", href: to("gallery") }, "To the gallery") }));
}

function heroOf(/** @type {any} */ clip, /** @type {() => void} */ onChange) {
  const ratio = clip.width && clip.height ? { "--ratio": clip.width / clip.height } : {};
  if (clip.state === "completed") {
    const shown = player({ video: clip.assets.video, poster: clip.assets.image, still: clip.assets.poster ?? clip.assets.image, label: clip.request.prompt ?? "Clip", whole: true });
    const frame = h("div", { class: "stage-frame", style: ratio }, shown);
    shown.video.addEventListener("loadedmetadata", () => frame.style.setProperty("--ratio", String(shown.video.videoWidth / shown.video.videoHeight)));
    return [h("img", { class: "stage-glow", src: clip.assets.poster ?? clip.assets.image, alt: "", "aria-hidden": "true" }), frame];
  }
  const still = pictureOf(clip);
  const picture = still && h("img", { class: clip.state === "failed" ? "stage-picture stage-picture-dim" : "stage-picture", src: still, alt: "" });
  if (clip.state === "failed") {
    return h("div", { class: "stage-frame", style: ratio }, picture, h("div", { class: "stage-failed" }, h("h2", null, isCancelled(clip) ? "Cancelled" : "This clip was not made"), !isCancelled(clip) && h("p", null, clip.failure_reason), remedyFor(clip.remedy)));
  }
  const words = h("strong", { class: "number" });
  const bar = progressBar("Progress of the clip");
  const box = h("div", { class: "stage-making clip-progress" }, h("div", { class: "row row-apart" }, words, mayWrite() && h("button", { class: "button button-glass", type: "button", on: { click: () => cancel(clip).then(onChange, (error) => toast(error.message)) } }, icon("close"), "Cancel")), bar);
  const update = (/** @type {any} */ now) => {
    words.textContent = now.state === "queued" ? (now.queue_position ? (now.queue_position === 1 ? "Next in line" : `Number ${now.queue_position} in line`) : "Waiting") : `${Math.round((now.progress ?? 0) * 100)} %`;
    bar.set(now.progress ?? 0);
    if (now.preview && picture) showNext(picture, previewOf(now));
  };
  update(clip);
  return h("div", { class: "stage-frame", style: ratio }, picture, Object.assign(box, { update }));
}

/** Names and values; empty ones are left out. */
function facts(/** @type {[string, any][]} */ rows) {
  return h("dl", { class: "facts" }, rows.filter(([, value]) => value !== null && value !== undefined && value !== "" && value !== "–").map(([name, value]) => [h("dt", null, name), h("dd", null, value)]));
}

function requestCard(/** @type {any} */ clip) {
  const asked = clip.request;
  return h("section", { class: "card stack stack-tight" }, h("h2", null, "Asked for"), facts([
    ["Sentence", asked.prompt && h("bdi", null, asked.prompt)], ["Start", keyframe(asked.keyframes?.frame0)], ["End", keyframe(asked.keyframes?.frame1)],
    ["Camera", asked.concepts?.map((/** @type {any} */ each) => each.key.replaceAll("_", " ")).join(", ")], ["Length", asked.duration.replace("s", " s")], ["Size", asked.resolution], ["Shape", asked.aspect_ratio ?? "The picture's own"],
    ["Loop", asked.loop ? "Yes" : null], ["Codec", asked.codec], ["Callback", asked.callback_url],
    ...Object.entries(clip.metadata ?? {}).filter(([name]) => name !== "favourite")]));
}

function keyframe(/** @type {any} */ frame) {
  if (!frame) return null;
  if (frame.type === "generation") return h("a", { href: to("gallery", [frame.id]) }, "An earlier clip");
  return isOurs(frame.url) ? h("a", { href: frame.url, target: "_blank", rel: "noreferrer" }, h("img", { class: "clip-keyframe", src: frame.url, alt: "The picture" })) : frame.url;
}

function resultCard(/** @type {any} */ clip) {
  const took = clip.started_at && clip.finished_at ? (new Date(clip.finished_at).getTime() - new Date(clip.started_at).getTime()) / 1000 : null;
  const waited = clip.started_at ? (new Date(clip.started_at).getTime() - new Date(clip.created_at).getTime()) / 1000 : null;
  const size = h("span", { class: "number" }, "–");
  if (clip.assets?.video) fetch(fileAddress(clip), { method: "HEAD" }).then((answer) => { size.textContent = bytes(Number(answer.headers.get("Content-Length"))); }, () => {});
  return h("section", { class: "card stack stack-tight" }, h("h2", null, "Made"), facts([
    ["Model", clip.model], ["Engine", clip.engine], ["Seed", clip.seed], ["Frame", clip.width && `${clip.width} × ${clip.height}`], ["Waited", lasting(waited)], ["Took", lasting(took)],
    ["File", clip.assets?.video && size], ["Cost", clip.cost !== null && clip.cost !== undefined ? count(clip.cost) : null],
    ["Made from", clip.retry_of && h("a", { href: to("gallery", [clip.retry_of]) }, "An earlier clip")],
    ["Id", h("span", { class: "row" }, h("span", { class: "mono clip-id" }, clip.id), h("button", { class: "button button-plain button-icon", type: "button", "aria-label": "Copy the id", on: { click: () => copy(clip.id, "Id copied.") } }, icon("copy")))]]));
}

function rawCard(/** @type {any} */ clip) {
  return h("details", { class: "card" }, h("summary", null, h("strong", null, "Raw record")), h("pre", { class: "code", tabindex: 0 }, JSON.stringify(clip, null, 2)));
}
