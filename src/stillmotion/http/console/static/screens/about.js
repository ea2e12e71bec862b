/** About: what runs here, and the ways to what is beside the console. */

import { get, ROOT } from "../api.js";
import { h } from "../dom.js";
import { icon } from "../parts/icon.js";
import { heading } from "../router.js";
import { session } from "../session.js";

const LINKS = [
  ["docs", "API reference", "To read and to try out", "list"],
  ["openapi.json", "OpenAPI document", "For tools", "code"],
  ["readyz", "Readiness", "Whether each part works", "check"],
  ["healthz", "Health", "Whether the server answers", "overview"],
  ["metrics", "Metrics", "For Prometheus", "usage"],
];

export async function show(/** @type {any} */ place) {
  const document = await get("openapi.json", {}, place.signal);
  const links = LINKS.map(([path, name, text, drawn]) =>
    h("li", null, h("a", { class: "menu-item", href: new URL(path, ROOT).href }, icon(drawn), h("span", null, h("strong", null, name), h("br"), h("span", { class: "soft small" }, text)))));
  return h("div", { class: "screen screen-narrow" },
    h("div", { class: "screen-head" }, h("div", null, heading("About"), h("p", null, `Stillmotion ${document.info.version}: a picture and a sentence in, a video out.`))),
    h("ul", { class: "card menu" }, links),
    session.current?.administrator && h("div", { class: "card row row-apart" },
      h("div", null, h("h3", null, "Report"), h("p", { class: "soft small" }, "Settings, log lines and states in one file, without secrets, for whoever helps you.")),
      h("a", { class: "button", href: new URL("admin/v1/report", ROOT).href, download: "stillmotion-report.zip" }, icon("download"), "Download the report")));
}
