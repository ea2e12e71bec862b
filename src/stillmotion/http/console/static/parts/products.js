/** Products: their table, and the form of one. An empty field is no limit. */

import { patch, post } from "../api.js";
import { h } from "../dom.js";
import { openDialog } from "./dialog.js";
import { fieldsForm } from "./form.js";
import { toast } from "./toast.js";
import { count, plural } from "./words.js";

const NUMBERS = /** @type {[string, string, string][]} */ ([
  ["video_seconds_per_month", "Seconds of video a month", "Empty: no quota."], ["max_seconds", "Longest clip, in seconds", "1 to 12. Empty: no limit."],
  ["submits_per_minute", "New clips a minute", ""], ["concurrent_generations", "Unfinished clips at once", ""], ["reads_per_minute", "Questions a minute", ""],
  ["price_per_second", "Price of a second of video", "In your own unit. 0: free."], ["retention_days", "Days that clips are kept", "Empty: until they are deleted."],
]);
const LISTS = /** @type {[string, string, string][]} */ ([
  ["models", "Models", "Names with commas between them. Empty: every model."], ["resolutions", "Resolutions", "540p, 720p, 1080p, 4k. Empty: every one."], ["surfaces", "Interfaces", "gateway, dream-machine, openai. Empty: every one."],
]);

export function productTable(/** @type {any[]} */ products, /** @type {() => Promise<void>} */ look) {
  const some = (/** @type {string[] | null} */ names) => (names === null ? "All" : names.join(", "));
  const limit = (/** @type {number | null} */ value) => (value === null ? "No limit" : count(value));
  return h("div", { class: "table-wrap" }, h("table", { class: "table table-cards" },
    h("thead", null, h("tr", null, h("th", { scope: "col" }, "Product"), ["Seconds a month", "At once", "A minute", "Price"].map((each) => h("th", { scope: "col", class: "end" }, each)), h("th", { scope: "col" }, "Models"), h("th", { scope: "col" }, "Kept"), h("th", { scope: "col" }, h("span", { class: "unseen" }, "Change")))),
    h("tbody", null, products.map((each) => h("tr", null,
      h("td", null, h("strong", null, each.name)),
      h("td", { class: "end", data: { name: "Seconds a month" } }, limit(each.video_seconds_per_month)), h("td", { class: "end", data: { name: "At once" } }, count(each.concurrent_generations)),
      h("td", { class: "end", data: { name: "A minute" } }, count(each.submits_per_minute)), h("td", { class: "end", data: { name: "Price" } }, each.price_per_second ? count(each.price_per_second) : "Free"),
      h("td", { data: { name: "Models" } }, some(each.models)), h("td", { data: { name: "Kept" } }, each.retention_days === null ? "Until deleted" : plural(each.retention_days, "day")),
      h("td", { class: "end" }, h("button", { class: "button button-plain", type: "button", "aria-label": `Change ${each.name}`, on: { click: () => productForm(each, look) } }, "Change")))))));
}

/** The form of a product; null makes a new one. */
export function productForm(/** @type {any} */ product, /** @type {() => Promise<void>} */ look) {
  const fields = [
    ...(product ? [] : [{ name: "name", label: "Name", hint: "Letters, digits, dots and dashes.", required: true }]),
    ...NUMBERS.map(([name, label, hint]) => ({ name, label, hint, type: /** @type {"number"} */ ("number"), value: product?.[name] ?? "" })),
    ...LISTS.map(([name, label, hint]) => ({ name, label, hint, value: product?.[name]?.join(", ") ?? "" })),
  ];
  const form = fieldsForm(fields, product ? "Save" : "Make the product", async (values) => {
    const terms = termsOf(values, product === null);
    await (product ? patch(`admin/v1/products/${encodeURIComponent(product.name)}`, terms) : post("admin/v1/products", terms));
    dialog.close();
    toast(product ? "Saved: it holds for all of its customers." : "Made.");
    await look();
  });
  const dialog = openDialog({ title: product ? `Product ${product.name}` : "New product", body: form, drawer: true });
}

/** The texts of the form as the API takes them. A new product's empty fields are left to the server. */
function termsOf(/** @type {Record<string, string>} */ values, /** @type {boolean} */ isNew) {
  const entries = Object.entries(values).map(([name, text]) => {
    if (LISTS.some(([each]) => each === name)) return [name, text ? text.split(",").map((each) => each.trim()).filter(Boolean) : null];
    if (!NUMBERS.some(([each]) => each === name)) return [name, text];
    return [name, text === "" ? null : Number.isNaN(Number(text.replace(",", "."))) ? text : Number(text.replace(",", "."))];
  });
  return Object.fromEntries(entries.filter(([, value]) => !isNew || value !== null));
}
