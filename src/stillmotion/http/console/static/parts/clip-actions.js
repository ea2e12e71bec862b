/** What can be done with a clip: the same everywhere a clip is shown. */

import { address, GENERATIONS, post, remove, ROOT } from "../api.js";
import { draft } from "../making/draft.js";
import { go, to } from "../router.js";
import { copy } from "./copy.js";
import { toast, undoable } from "./toast.js";

const LINK_DAYS = 7;

/** The name of a clip's file. */
export function fileName(/** @type {any} */ clip) {
  const words = (clip.request.prompt ?? "clip").toLowerCase().replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-|-$/g, "").slice(0, 40);
  return `${words || "clip"}-${clip.id.slice(-6)}.mp4`;
}

/** The address of a clip's file on this server. A browser shows a bucket's file in place of the console: it saves files of the own origin alone. */
export function fileAddress(/** @type {any} */ clip) {
  const shown = new URL(clip.assets.video, ROOT);
  return (shown.origin === ROOT.origin ? shown : address(`v1/videos/${clip.id}/content`)).href;
}

/** True for a clip that was cancelled: the dialect calls it failed. */
export const isCancelled = (/** @type {any} */ clip) => clip.state === "failed" && (clip.failure_code === "cancelled" || /was cancelled/.test(clip.failure_reason ?? ""));

/** Make the same again; with `changes`, a little different. The new clip opens on Make, unless it should not. */
export async function again(/** @type {any} */ clip, changes = {}, open = true) {
  const made = await post(`generations/${clip.id}/retry`, changes);
  if (open) go(to("make", [], { clip: made.id }));
  return made;
}

/** Make another take: the same request with a new seed. */
export const anotherTake = (/** @type {any} */ clip) => again(clip, { seed: Math.floor(Math.random() * 2 ** 31) });

/** Put a clip into the draft, as the start or as the end of the next one. */
export function useAs(/** @type {"picture" | "end"} */ name, /** @type {any} */ clip) {
  const picture = { kind: /** @type {const} */ ("generation"), id: clip.id, image: clip.assets?.poster ?? clip.assets?.image ?? null, video: clip.assets?.video ?? null, width: clip.width ?? undefined, height: clip.height ?? undefined };
  draft.open();
  draft.change({ [name]: picture });
  go(to("make"));
  toast(name === "picture" ? "The next clip goes on from this one's last frame." : "The next clip ends where this one begins.");
}

/** Put all of an earlier request into Make. */
export function useSettings(/** @type {any} */ clip) {
  draft.open();
  draft.take(clip);
  go(to("make"));
  toast("These settings are in Make now.");
}

/** Copy a link that anyone can open for a week. */
export async function copyLink(/** @type {any} */ clip) {
  const link = await post(`generations/${clip.id}/links`, { expires_in: LINK_DAYS * 86400 });
  await copy(link.url, `Link copied. It works for ${LINK_DAYS} days, and can be taken back on the clip's page.`);
}

/** Cancel a clip that is not done. Undo asks for it again. */
export async function cancel(/** @type {any} */ clip, /** @type {((made: any) => void) | null} */ onUndo = null) {
  await post(`generations/${clip.id}/cancel`, {});
  toast("Cancelled.", { action: "Undo", seconds: 10, run: () => again(clip).then((made) => onUndo?.(made), (error) => toast(error.message)) });
}

/** Delete clips in ten seconds, unless it is undone. */
export function deleteClips(/** @type {any[]} */ clips, /** @type {{gone: () => void, back: () => void}} */ { gone, back }) {
  gone();
  undoable(clips.length === 1 ? "Clip deleted." : `${clips.length} clips deleted.`,
    (leaving) => Promise.all(clips.map((each) => remove(`${GENERATIONS}/${each.id}`, { keepalive: leaving }))), back);
}
