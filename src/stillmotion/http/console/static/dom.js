/** Elements, made without markup: a text is always a text. */

const SVG = "http://www.w3.org/2000/svg";

/**
 * An element. `properties` holds attributes; besides, `on` has listeners, `style` CSS properties, `data` the dataset.
 * Properties that an element knows by name (`value`, `checked`, `muted`) are set as such. Null and false are left out.
 * @param {string} tag
 * @param {Record<string, any> | null} [properties]
 * @param {...any} children
 * @returns {any}
 */
export function h(tag, properties, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties ?? {})) set(element, name, value);
  put(element, children);
  return element;
}

const AS_PROPERTIES = new Set(["value", "checked", "selected", "muted", "disabled", "indeterminate", "htmlFor"]);

/** @param {any} element @param {string} name @param {any} value */
export function set(element, name, value) {
  if (name === "on") {
    for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
  } else if (name === "style") {
    for (const [property, each] of Object.entries(value)) element.style.setProperty(property, String(each));
  } else if (name === "data") {
    for (const [key, each] of Object.entries(value)) element.dataset[key] = String(each);
  } else if (AS_PROPERTIES.has(name)) {
    element[name] = value;
  } else if (value === null || value === undefined || value === false) {
    element.removeAttribute(name);
  } else {
    element.setAttribute(name, value === true ? "" : String(value));
  }
}

/** Append children: nodes, texts, lists of them. Null, undefined and false are left out. */
export function put(/** @type {ParentNode} */ element, /** @type {any[]} */ ...children) {
  const flat = children.flat(Infinity).filter((each) => each !== null && each !== undefined && each !== false);
  element.append(...flat.map((each) => (each instanceof Node ? each : String(each))));
}

/** Replace the children of an element. */
export function fill(/** @type {any} */ element, /** @type {any[]} */ ...children) {
  element.replaceChildren();
  put(element, children);
  return element;
}

/** A sentence of the server's, whose commands stand between backticks. */
export function sentence(/** @type {string} */ text) {
  return text.split("`").map((each, index) => (index % 2 ? h("code", null, each) : each));
}

/** An SVG element, in the manner of `h`. */
export function svg(/** @type {string} */ tag, /** @type {Record<string, any>} */ attributes, /** @type {any[]} */ ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  put(element, children);
  return element;
}

/** Load a style sheet of a screen once; the promise resolves when it holds. `address` is relative to this folder. */
const sheets = new Map();
export function sheet(/** @type {string} */ address) {
  const url = new URL(address, import.meta.url).href;
  if (!sheets.has(url)) {
    const link = h("link", { rel: "stylesheet", href: url });
    sheets.set(url, new Promise((done) => {
      link.addEventListener("load", done);
      link.addEventListener("error", done);
    }));
    document.head.append(link);
  }
  return sheets.get(url);
}

let counted = 0;

/** An id for a label's sake. */
export function newId(prefix = "x") {
  counted += 1;
  return `${prefix}-${counted}`;
}
