/** Many at once: several pictures, or a table of them, become one clip each. */

import { GENERATIONS, post, upload } from "../api.js";
import { fill, h } from "../dom.js";
import { feed } from "../live.js";
import { openDialog } from "../parts/dialog.js";
import { icon } from "../parts/icon.js";
import { plural } from "../parts/words.js";
import { go, to } from "../router.js";
import { readTable } from "./csv.js";
import { bodyOf, draft } from "./draft.js";

const MOST = 500;
const AT_ONCE = 2;

/** @typedef {{file: File | null, url: string, prompt: string, wrong: string, id: string | null}} Row */

/** Lots that are being sent from this page, by name. */
export const sending = /** @type {Map<string, Row[]>} */ (new Map());

/** Open the dialog over files: pictures, and tables whose first column is a picture's name or address. */
export async function openBatch(/** @type {File[]} */ files) {
  const { rows, missing } = await rowsOf(files);
  const list = h("ul", { class: "lot-rows" });
  const title = () => (rows.length === 1 ? "One clip" : `${rows.length} clips at once`);
  const button = h("button", { class: "button button-main button-large", type: "submit" });
  const all = h("input", { class: "input", id: "lot-sentence", dir: "auto", value: draft.now.prompt, placeholder: "Slow push in", on: { input: spread } });

  function spread() {
    for (const input of list.querySelectorAll("input")) if (!input.dataset.own) input.value = all.value;
    rows.forEach((row, at) => { if (!list.querySelectorAll("input")[at]?.dataset.own) row.prompt = all.value; });
  }

  function drawRow(/** @type {Row} */ row) {
    const input = h("input", { class: "input", dir: "auto", value: row.prompt, "aria-label": `Sentence for ${nameOf(row)}`, on: { input: () => { row.prompt = input.value; input.dataset.own = "yes"; } } });
    if (row.prompt && row.prompt !== draft.now.prompt) input.dataset.own = "yes";
    return h("li", { class: "lot-row" }, row.file ? h("img", { src: URL.createObjectURL(row.file), alt: "", on: { load: (/** @type {any} */ event) => URL.revokeObjectURL(event.target.src) } }) : h("span", { class: "lot-link" }, icon("link")),
      h("div", { class: "stack stack-tight" }, h("span", { class: "small soft one-line" }, nameOf(row)), input),
      h("button", { class: "button button-plain button-icon", type: "button", "aria-label": `Leave out ${nameOf(row)}`, on: { click: () => { rows.splice(rows.indexOf(row), 1); draw(); } } }, icon("close")));
  }

  function draw() {
    fill(list, rows.map(drawRow));
    button.textContent = rows.length ? `Make ${plural(rows.length, "clip")}` : "Nothing to make";
    button.disabled = !rows.length;
  }

  draw();
  const form = h("form", { class: "stack", on: { submit: (/** @type {Event} */ event) => { event.preventDefault(); dialog.close(); send(rows); } } },
    rows.length === 0 && h("p", { class: "notice notice-warn" }, icon("failures"), h("span", null, "No row with a picture was found. The first column is a picture's address, or the name of a picture that you drop with the table.")),
    missing.length > 0 && rows.length > 0 && h("p", { class: "notice notice-warn" }, icon("failures"), h("span", null, `Left out, as these pictures are not here: ${missing.slice(0, 5).join(", ")}${missing.length > 5 ? ` and ${missing.length - 5} more` : ""}.`)),
    h("div", { class: "field" }, h("label", { htmlFor: all.id }, "Sentence for all"), all, h("p", { class: "hint" }, "Camera, shape, length and size are taken from Make.")),
    list, h("div", { class: "lot-foot" }, button));
  const dialog = openDialog({ title: title(), body: form, drawer: true });
}

const nameOf = (/** @type {Row} */ row) => row.file?.name ?? row.url;

/** @returns {Promise<{rows: Row[], missing: string[]}>} */
async function rowsOf(/** @type {File[]} */ files) {
  const tables = files.filter((each) => each.type === "text/csv" || each.name.toLowerCase().endsWith(".csv"));
  const pictures = files.filter((each) => !tables.includes(each));
  const blank = { wrong: "", id: null };
  if (!tables.length) return { rows: pictures.slice(0, MOST).map((file) => ({ ...blank, file, url: "", prompt: draft.now.prompt })), missing: [] };
  const read = (await Promise.all(tables.map((each) => each.text()))).flatMap(readTable);
  const rows = read.slice(0, MOST).map((each) => {
    const file = pictures.find((one) => one.name === each.picture.split("/").pop()) ?? null;
    return { ...blank, file, url: file ? "" : each.picture, prompt: each.prompt || draft.now.prompt };
  });
  const usable = (/** @type {Row} */ each) => each.file !== null || /^https?:\/\//.test(each.url);
  return { rows: rows.filter(usable), missing: rows.filter((each) => !usable(each)).map((each) => each.url || "a row without a picture") };
}

/** Send all rows, two at a time. The lot's name is in each clip's metadata, so that it is found again. */
function send(/** @type {Row[]} */ rows) {
  const lot = `${new Date().toISOString().slice(0, 16).replace("T", " ")} ${Math.random().toString(36).slice(2, 6)}`;
  const settings = { ...draft.now, picture: null };
  const waiting = [...rows];
  const stay = (/** @type {Event} */ event) => event.preventDefault();
  sending.set(lot, rows);
  addEventListener("beforeunload", stay);
  go(to("make", [], { lot }));
  const worker = async () => {
    for (let row = waiting.shift(); row; row = waiting.shift()) await sendRow(row, settings, lot);
  };
  Promise.all(Array.from({ length: AT_ONCE }, worker)).then(() => {
    removeEventListener("beforeunload", stay);
    dispatchEvent(new CustomEvent("lot-sent", { detail: lot }));
  });
}

async function sendRow(/** @type {Row} */ row, /** @type {any} */ settings, /** @type {string} */ lot) {
  for (;;) {
    try {
      const url = row.url || (await upload(/** @type {File} */ (row.file))).url;
      row.url = url;
      const body = { ...bodyOf({ ...settings, prompt: row.prompt, picture: { kind: "address", url } }), metadata: { lot } };
      const made = await post(GENERATIONS, body);
      row.id = made.id;
      feed.follow(made);
      break;
    } catch (refused) {
      if (![0, 429, 503].includes(refused.status)) {
        row.wrong = refused.message;
        break;
      }
      await new Promise((done) => setTimeout(done, (refused.retryAfter ?? 2) * 1000));
    }
  }
  dispatchEvent(new CustomEvent("lot-row", { detail: lot }));
}
