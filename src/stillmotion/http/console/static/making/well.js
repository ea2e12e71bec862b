/** The picture well: drop, paste, choose, camera, address. It uploads at once, so that making begins at once. */

import { upload } from "../api.js";
import { announce } from "../announce.js";
import { fill, h, newId } from "../dom.js";
import { icon } from "../parts/icon.js";
import { wrong } from "../parts/states.js";
import { draft } from "./draft.js";

const KINDS = "image/png,image/jpeg,image/webp,image/avif,image/gif,image/tiff,image/heic,.heic,.heif";

/**
 * A well for `picture` or `end` of the draft. `onMany` takes several files, or a table of them.
 * @param {"picture" | "end"} name
 * @param {{label: string, invite: string, small?: boolean, onMany?: (files: File[]) => void, signal: AbortSignal}} options
 */
export function well(name, { label, invite, small = false, onMany, signal }) {
  const wrongId = newId("well-wrong");
  const chooser = h("input", { type: "file", accept: onMany ? `${KINDS},.csv,text/csv` : KINDS, multiple: Boolean(onMany), class: "unseen", tabindex: -1, "aria-hidden": "true", on: { change: () => { take([...chooser.files]); chooser.value = ""; } } });
  const camera = h("input", { type: "file", accept: "image/*", capture: "environment", class: "unseen", tabindex: -1, "aria-hidden": "true", on: { change: () => { take([...camera.files]); camera.value = ""; } } });
  const inside = h("div", { class: "well-inside" });
  const told = h("div");
  const box = h("section", { class: small ? "well well-small" : "well", "aria-label": label }, inside, chooser, camera);
  /** @type {{url: string} | null} the picture as it is here, before it is at the server */
  let local = null;
  /** @type {AbortController | null} */
  let sending = null;
  /** True as soon as the picture that was taken last is at the server; false where it did not come there. */
  let sent = Promise.resolve(true);
  let asksAddress = false;
  /** @type {HTMLInputElement | null} the field for an address, while it is asked for */
  let address = null;

  function take(/** @type {File[]} */ files) {
    if (!files.length) return;
    if (onMany && (files.length > 1 || isTable(files[0]))) return onMany(files);
    send(files[0]);
  }

  const send = (/** @type {File} */ file) => (sent = put(file));

  /** @returns {Promise<boolean>} */
  async function put(/** @type {File} */ file) {
    sending?.abort();
    const own = (sending = new AbortController());
    forget();
    local = { url: URL.createObjectURL(file) };
    draft.change({ [name]: null });
    say(null);
    draw(0);
    try {
      const [kept, size] = await Promise.all([upload(file, (part) => own === sending && draw(part), own.signal), sizeOf(local.url)]);
      if (own !== sending) return sent;
      draft.change({ [name]: { kind: "upload", url: kept.url, name: file.name, ...size, until: kept.expires_at } });
      announce("The picture is ready.");
      return true;
    } catch (error) {
      if (own !== sending) return sent;
      forget();
      say(error.about?.("file") ?? error.message);
      return false;
    } finally {
      if (own === sending) {
        sending = null;
        draw();
      }
    }
  }

  function forget() {
    if (local) URL.revokeObjectURL(local.url);
    local = null;
  }

  function clear() {
    sending?.abort();
    sending = null;
    sent = Promise.resolve(true);
    forget();
    say(null);
    draft.change({ [name]: null });
    announce("The picture was taken out.");
    box.querySelector("button")?.focus();
  }

  function say(/** @type {string | null} */ sentence) {
    fill(told, sentence && wrong(wrongId, sentence));
  }

  function draw(/** @type {number | null} */ part = null) {
    const picture = draft.now[name];
    box.classList.toggle("well-full", Boolean(local || picture));
    if (asksAddress) return fill(inside, addressForm());
    fill(inside, local || picture ? full(picture, part) : invitation());
  }

  function invitation() {
    const touch = matchMedia("(pointer: coarse)").matches;
    return h("div", { class: "well-invite" }, !small && icon("picture"),
      h("p", { class: "well-words" }, h("button", { class: "button", type: "button", on: { click: () => chooser.click() } }, small && icon("plus"), invite)),
      !small && h("p", { class: "soft small" }, touch ? "Up to 20 MB." : "Drop it here, or paste it. Several, or a CSV, make several clips."),
      h("div", { class: "row well-ways" },
        touch && h("button", { class: "button button-plain", type: "button", on: { click: () => camera.click() } }, icon("camera"), "Camera"),
        h("button", { class: "button button-plain", type: "button", on: { click: () => { asksAddress = true; draw(); inside.querySelector("input")?.focus(); } } }, icon("link"), "Use an address")));
  }

  function full(/** @type {import("./draft.js").Picture | null} */ picture, /** @type {number | null} */ part) {
    const busy = part !== null;
    return h("figure", { class: "well-figure", "aria-busy": busy ? "true" : null },
      shownPicture(local?.url ?? null, picture),
      busy && h("div", { class: "well-sending" }, h("div", { class: "progress" }, h("div", { style: { width: `${Math.round(part * 100)}%` } }))),
      h("figcaption", { class: "well-tools" },
        h("button", { class: "button button-glass", type: "button", on: { click: () => chooser.click() } }, icon("upload"), "Replace"),
        h("button", { class: "button button-glass button-icon", type: "button", "aria-label": `Take out the ${label.toLowerCase()}`, on: { click: clear } }, icon("close"))));
  }

  /** Take the address that was typed; false where it is none. */
  function useAddress() {
    const url = address?.value.trim() ?? "";
    if (!/^https?:\/\/./i.test(url)) {
      say("The address must begin with http:// or https://.");
      address?.focus();
      return false;
    }
    forget();
    say(null);
    asksAddress = false;
    draft.change({ [name]: { kind: "address", url } });
    return true;
  }

  /** True unless an address was typed that is none; one that was typed is taken, whether or not Use it was pressed. */
  const settled = () => !asksAddress || !address?.value.trim() || useAddress();

  function addressForm() {
    const id = newId("address");
    address = h("input", { class: "input", id, type: "url", placeholder: "https://…", autocomplete: "off" });
    const close = () => { asksAddress = false; say(null); draw(); box.querySelector("button")?.focus(); };
    return h("form", { class: "well-address stack stack-tight", novalidate: true, on: { submit: (/** @type {Event} */ event) => { event.preventDefault(); event.stopPropagation(); useAddress(); } } },
      h("div", { class: "field" }, h("label", { htmlFor: id }, "Address of a picture"), address, h("p", { class: "hint" }, "The server fetches it when the clip is made.")),
      h("div", { class: "row" }, h("button", { class: "button button-main", type: "submit" }, "Use it"), h("button", { class: "button button-plain", type: "button", on: { click: close } }, "Back")));
  }

  for (const kind of ["dragenter", "dragover"]) {
    box.addEventListener(kind, (/** @type {DragEvent} */ event) => {
      if (![...(event.dataTransfer?.types ?? [])].includes("Files")) return;
      event.preventDefault();
      box.classList.add("well-over");
    });
  }
  box.addEventListener("dragleave", (/** @type {DragEvent} */ event) => {
    if (!box.contains(/** @type {Node} */ (event.relatedTarget))) box.classList.remove("well-over");
  });
  box.addEventListener("drop", (/** @type {DragEvent} */ event) => {
    event.preventDefault();
    box.classList.remove("well-over");
    take([...(event.dataTransfer?.files ?? [])]);
  });
  draft.addEventListener("changed", (event) => {
    if (!/** @type {CustomEvent} */ (event).detail.includes(name) || sending) return;
    if (draft.now[name]?.kind !== "upload") forget();
    draw();
  }, { signal });
  signal.addEventListener("abort", () => { sending?.abort(); forget(); });
  draw();
  return { node: h("div", { class: "field" }, box, told), take, send, say, settled, isBusy: () => sending !== null, sent: () => (sending ? sent : Promise.resolve(true)) };
}

/** The picture as far as it can be shown here: no address of elsewhere is fetched by the page. */
export function shownPicture(/** @type {string | null} */ local, /** @type {import("./draft.js").Picture | null} */ picture) {
  if (local) return h("img", { src: local, alt: "Your picture" });
  if (picture?.kind === "upload") return h("img", { src: picture.url, alt: "Your picture" });
  if (picture?.kind === "generation") {
    return picture.image ? h("img", { src: picture.image, alt: "The earlier clip" }) : h("div", { class: "well-text" }, icon("forward"), h("p", null, `Clip ${picture.id?.slice(0, 8)}`));
  }
  return h("div", { class: "well-text" }, icon("link"), h("p", { class: "small" }, picture?.url));
}

function isTable(/** @type {File} */ file) {
  return file.type === "text/csv" || file.name.toLowerCase().endsWith(".csv");
}

/** Width and height of a picture, upright; nothing where the browser cannot show it. */
async function sizeOf(/** @type {string} */ url) {
  const image = new Image();
  image.src = url;
  try {
    await image.decode();
    return { width: image.naturalWidth, height: image.naturalHeight };
  } catch {
    return {};
  }
}
