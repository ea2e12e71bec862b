/** Customers and products, for administrators: who has what, how much of it is used, and the terms of each product. */

import { get, patch, post } from "../api.js";
import { fill, h, sheet } from "../dom.js";
import { heading, to } from "../router.js";
import { meter } from "../parts/bars.js";
import { confirmed, openDialog } from "../parts/dialog.js";
import { fieldsForm } from "../parts/form.js";
import { icon } from "../parts/icon.js";
import { copy } from "../parts/copy.js";
import { empty } from "../parts/states.js";
import { productForm, productTable } from "../parts/products.js";
import { toast } from "../parts/toast.js";
import { ago, count, exactly, when } from "../parts/words.js";

const STATES = /** @type {Record<string, [string, string]>} */ ({ active: ["Active", "state-good"], suspended: ["Suspended", "state-warn"], expired: ["Expired", "state-bad"], cancelled: ["Cancelled", "state-bad"] });
const ALMOST = 0.8;

export async function show(/** @type {any} */ place) {
  await sheet("css/service.css");
  await sheet("css/charts.css");
  const products = place.rest[0] === "products";
  const body = h("div", { class: "stack stack-wide" });
  async function look() {
    const month = new Date().toISOString().slice(0, 8);
    const [all, terms, used] = await Promise.all([
      get("admin/v1/subscriptions", {}, place.signal), get("admin/v1/products", {}, place.signal),
      get("admin/v1/usage", { by: "subscription", from: `${month}01`, to: new Date().toISOString().slice(0, 10) }, place.signal),
    ]);
    const by = new Map(terms.products.map((/** @type {any} */ each) => [each.name, each]));
    fill(body, products ? productTable(terms.products, look) : customers(all.subscriptions, by, usage(used.rows), look));
    add.onclick = () => (products ? productForm(null, look) : adding(terms.products, look));
  }
  const add = h("button", { class: "button button-main", type: "button" }, icon("plus"), products ? "New product" : "New customer");
  await look();
  const tabs = h("nav", { class: "choices", "aria-label": "View" },
    h("a", { class: "button", href: to("customers"), "aria-current": products ? null : "true" }, "Customers"),
    h("a", { class: "button", href: to("customers", ["products"]), "aria-current": products ? "true" : null }, "Products"));
  return { title: products ? "Products" : "Customers", changed: () => false, node: h("div", { class: "screen" },
    h("div", { class: "screen-head" }, h("div", null, heading(products ? "Products" : "Customers"), h("p", null, products ? "The terms that customers have. A change holds for all of a product's customers." : "Who may use the service, and how much of this month they have used.")), h("div", { class: "row" }, tabs, add)), body) };
}

const usage = (/** @type {any[]} */ rows) => new Map(rows.map((each) => [each.subscription?.id ?? each.subscription, each]));

function customers(/** @type {any[]} */ all, /** @type {Map<any, any>} */ products, /** @type {Map<any, any>} */ used, /** @type {() => Promise<void>} */ look) {
  if (all.length === 0) return empty({ icon: "customers", title: "No customers yet", text: "Make one: it gets two keys and a secret for its callbacks, which are shown once." });
  const part = (/** @type {any} */ each) => {
    const quota = products.get(each.product)?.video_seconds_per_month;
    const seconds = used.get(each.id)?.video_seconds ?? 0;
    return { seconds, quota, part: quota ? seconds / quota : null };
  };
  const sorted = [...all].sort((one, other) => (part(other).part ?? 0) - (part(one).part ?? 0));
  const close = sorted.filter((each) => (part(each).part ?? 0) >= ALMOST);
  return [close.length > 0 && h("p", { class: "notice notice-warn" }, icon("customers"), h("span", null, `Over 80 % of this month's video: ${close.map((each) => each.name).join(", ")}.`)),
    h("div", { class: "table-wrap" }, h("table", { class: "table table-cards" },
      h("thead", null, h("tr", null, ["Customer", "Product", "State", "This month", "Since"].map((each) => h("th", { scope: "col" }, each)), h("th", { scope: "col" }, h("span", { class: "unseen" }, "Change")))),
      h("tbody", null, sorted.map((each) => row(each, part(each), [...products.keys()], look)))))];
}

function row(/** @type {any} */ each, /** @type {any} */ used, /** @type {string[]} */ products, /** @type {() => Promise<void>} */ look) {
  const [words, kind] = STATES[each.state] ?? [each.state, ""];
  return h("tr", null,
    h("td", null, h("strong", null, each.name)), h("td", { data: { name: "Product" } }, each.product),
    h("td", { data: { name: "State" } }, h("span", { class: "row" }, h("span", { class: `state ${kind}` }, words), each.expires_at && each.state === "active" && h("span", { class: "small soft", title: exactly(each.expires_at) }, `until ${when(each.expires_at)}`))),
    h("td", { class: "used", data: { name: "This month" } }, h("div", { class: "stack stack-tight" }, h("span", { class: "number" }, used.quota === null || used.quota === undefined ? `${count(used.seconds)} s` : `${count(used.seconds)} of ${count(used.quota)} s`), used.part !== null && meter(`${each.name}: used this month`, used.part))),
    h("td", { data: { name: "Since" }, title: exactly(each.created_at) }, ago(each.created_at)),
    h("td", { class: "end" }, h("span", { class: "row" },
      h("a", { class: "button button-plain", href: to("everybody", [], { subscription: each.id }), "aria-label": `Clips of ${each.name}` }, "Clips"),
      h("button", { class: "button button-plain", type: "button", "aria-label": `Change ${each.name}`, on: { click: () => changing(each, products, look) } }, "Change"))));
}

/** A form for a new customer; then its keys, once. */
function adding(/** @type {any[]} */ products, /** @type {() => Promise<void>} */ look) {
  const names = products.map((each) => /** @type {[string, string]} */ ([each.name, each.name]));
  const form = fieldsForm([
    { name: "name", label: "Name", hint: "Whom it is for.", required: true },
    { name: "product", label: "Product", options: names },
    { name: "expires_at", label: "Works until", type: "datetime-local", hint: "Empty: for as long as you like." },
  ], "Make the customer", async (values) => {
    const made = await post("admin/v1/subscriptions", { name: values.name, product: values.product || null, expires_at: inUtc(values.expires_at) });
    dialog.close();
    issued(made);
    await look();
  });
  const dialog = openDialog({ title: "New customer", body: form });
}

const inUtc = (/** @type {string} */ local) => (local ? new Date(local).toISOString() : null);

function issued(/** @type {any} */ made) {
  const secret = (/** @type {string} */ name, /** @type {string} */ value) => h("div", { class: "field" }, h("label", { htmlFor: `once-${name}` }, name),
    h("div", { class: "row once" }, h("input", { class: "input mono", id: `once-${name}`, readonly: true, value }), h("button", { class: "button", type: "button", "aria-label": `Copy ${name}`, on: { click: () => copy(value, `${name} copied.`) } }, icon("copy"), "Copy")));
  openDialog({ title: `Keys of ${made.name}`, body: h("div", { class: "stack" },
    h("p", { class: "notice notice-warn" }, icon("eye"), h("span", null, "They are shown only now. Hand them on before you close this.")),
    secret("First key", made.key), secret("Second key", made.secondary_key), secret("Callback secret", made.callback_secret)) });
}

/** A form for the changes of a customer. */
function changing(/** @type {any} */ each, /** @type {string[]} */ products, /** @type {() => Promise<void>} */ look) {
  const path = `admin/v1/subscriptions/${each.id}`;
  const local = each.expires_at ? new Date(new Date(each.expires_at).getTime() - new Date().getTimezoneOffset() * 60_000).toISOString().slice(0, 16) : "";
  const form = fieldsForm([
    { name: "name", label: "Name", value: each.name, required: true },
    { name: "product", label: "Product", value: each.product, options: products.map((name) => [name, name]) },
    { name: "expires_at", label: "Works until", type: "datetime-local", value: local, hint: "Empty: for as long as you like." },
  ], "Save", async (values) => {
    await patch(path, { name: values.name, product: values.product, expires_at: inUtc(values.expires_at) });
    await done("Saved.");
  });
  const become = (/** @type {string} */ state, /** @type {string} */ said) => async () => {
    if (state === "cancelled" && !(await confirmed({ title: `End ${each.name} for good?`, text: "Its keys stop working and it cannot be opened again. What waits is still made.", action: "End it" }))) return;
    await patch(path, { state }).then(() => done(said), (error) => toast(error.message));
  };
  const states = each.state === "cancelled" ? h("p", { class: "soft" }, "It has ended for good.") : h("div", { class: "row" },
    each.state === "active" ? h("button", { class: "button", type: "button", on: { click: become("suspended", "Suspended: its keys are refused.") } }, icon("pause"), "Suspend") : h("button", { class: "button", type: "button", on: { click: become("active", "Active again.") } }, icon("play"), "Activate"),
    h("button", { class: "button button-bad", type: "button", on: { click: become("cancelled", "Ended.") } }, icon("close"), "End for good"));
  const dialog = openDialog({ title: each.name, drawer: true, body: h("div", { class: "stack stack-wide" }, form, h("section", { class: "stack" }, h("h3", null, "State"), states),
    h("dl", { class: "facts" }, h("dt", null, "Id"), h("dd", { class: "mono" }, each.id), Object.entries(each.keys).map(([slot, prefix]) => [h("dt", null, slot === "primary" ? "First key" : "Second key"), h("dd", { class: "mono" }, prefix)]))) });
  async function done(/** @type {string} */ said) {
    dialog.close();
    toast(said);
    await look();
  }
}
