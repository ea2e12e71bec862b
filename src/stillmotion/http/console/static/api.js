/** The service's public HTTP API: every request of the console goes through here. */

/** The address below which the API is, with a path prefix if there is one. */
export const ROOT = new URL("../", import.meta.url);

/** Origins that pictures and clips of this service come from: its own, and its bucket's, which the start page names. */
const ORIGINS = [ROOT.origin, ...Array.from(document.querySelectorAll("link[rel=preconnect]"), (each) => new URL(/** @type {HTMLLinkElement} */ (each).href).origin)];

/** True for the address of a file of this service: the console asks no other server. */
export const isOurs = (/** @type {string} */ url) => ORIGINS.includes(new URL(url, ROOT).origin);

/** Paths of generations, in the Dream Machine's dialect. */
export const GENERATIONS = "dream-machine/v1/generations";

/** A refusal. `problems` names the fields; `message` is the server's sentence. */
export class Refusal extends Error {
  /**
   * @param {number} status 0 if there was no answer
   * @param {string} sentence
   * @param {{field: string, message: string}[]} problems
   * @param {any} body
   * @param {Headers | null} headers
   */
  constructor(status, sentence, problems, body = null, headers = null) {
    super(sentence);
    this.status = status;
    this.problems = problems;
    this.body = body;
    this.requestId = headers?.get("X-Request-Id") ?? null;
    this.retryAfter = Number(headers?.get("Retry-After")) || null;
  }

  /** The sentence about one field, or about one of several names of it; null without one. */
  about(/** @type {string[]} */ ...fields) {
    return this.problems.find((each) => fields.some((name) => each.field === name || each.field.startsWith(`${name}.`)))?.message ?? null;
  }
}

/** Events: "signed-out" when the server knows the session no longer. */
export const signals = new EventTarget();

/** @param {string} path @param {Record<string, any>} [query] */
export function address(path, query) {
  const url = new URL(path, ROOT);
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value !== null && value !== undefined && value !== "") url.searchParams.set(name, value);
  }
  return url;
}

/**
 * Ask the API. A JSON answer is decoded; a 204 is null. Raises `Refusal`.
 * @param {string} method
 * @param {string} path
 * @param {{query?: Record<string, any>, body?: any, signal?: AbortSignal, headers?: Record<string, string>, keepalive?: boolean, credentials?: RequestCredentials}} [more]
 */
export async function ask(method, path, more = {}) {
  const form = more.body instanceof FormData;
  const headers = { Accept: "application/json", ...(more.body !== undefined && !form ? { "Content-Type": "application/json" } : {}), ...more.headers };
  const body = more.body === undefined ? undefined : form ? more.body : JSON.stringify(more.body);
  let response;
  try {
    response = await fetch(address(path, more.query), {
      method, headers, body, signal: more.signal, keepalive: more.keepalive, credentials: more.credentials ?? "same-origin", cache: "no-store",
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refusal(0, "The server does not answer. Your work is kept; try again in a moment.", []);
  }
  if (response.ok) return response.status === 204 ? null : decoded(response);
  throw await refusal(response);
}

/** @param {Response} response */
function decoded(response) {
  return (response.headers.get("Content-Type") ?? "").includes("json") ? response.json() : response.text();
}

/** @param {Response} response */
async function refusal(response) {
  const body = await response.json().catch(() => null);
  if (response.status === 401) signals.dispatchEvent(new Event("signed-out"));
  const problems = problemsIn(body);
  return new Refusal(response.status, sentenceOf(response.status, body, problems), problems, body, response.headers);
}

const FIELD = /^([a-z_][\w.]*): (.+)$/s;

/** @returns {{field: string, message: string}[]} */
function problemsIn(/** @type {any} */ body) {
  const listed = body?.details ?? body?.problems ?? body?.errors;
  if (Array.isArray(listed)) return listed.filter((each) => each && typeof each.message === "string").map((each) => ({ field: String(each.field ?? each.path ?? ""), message: each.message }));
  if (typeof body?.detail !== "string") return [];
  const found = body.detail.split("; ").map((/** @type {string} */ each) => FIELD.exec(each));
  return found.every(Boolean) ? found.map((/** @type {any} */ each) => ({ field: each[1], message: each[2] })) : [];
}

function sentenceOf(/** @type {number} */ status, /** @type {any} */ body, /** @type {{field: string, message: string}[]} */ problems) {
  if (problems.length) return problems.map((each) => `${each.field}: ${each.message}`).join("; ");
  const said = body?.detail ?? body?.error?.message ?? body?.error ?? body?.message;
  if (typeof said === "string" && said) return said;
  return status >= 500 ? "Something went wrong at the server. Try again in a moment." : `The server refused this (${status}).`;
}

export const get = (/** @type {string} */ path, /** @type {Record<string, any>} */ query = {}, /** @type {AbortSignal | undefined} */ signal = undefined) => ask("GET", path, { query, signal });
export const post = (/** @type {string} */ path, /** @type {any} */ body = {}, /** @type {Record<string, any>} */ more = {}) => ask("POST", path, { body, ...more });
export const patch = (/** @type {string} */ path, /** @type {any} */ body) => ask("PATCH", path, { body });
export const remove = (/** @type {string} */ path, /** @type {Record<string, any>} */ more = {}) => ask("DELETE", path, more);

/**
 * Upload a picture; `onPart` is told the part sent, 0 to 1. The answer has the `url` to submit. Raises `Refusal`.
 * @param {Blob} file
 * @param {(part: number) => void} [onPart]
 * @param {AbortSignal} [signal]
 * @returns {Promise<{id: string, url: string, expires_at: string}>}
 */
export function upload(file, onPart, signal) {
  return new Promise((done, fail) => {
    const request = new XMLHttpRequest();
    const form = new FormData();
    form.append("file", file, /** @type {any} */ (file).name ?? "picture");
    request.open("POST", address("uploads"));
    request.responseType = "json";
    request.upload.addEventListener("progress", (event) => onPart?.(event.loaded / (event.total || 1)));
    request.addEventListener("load", () => {
      if (request.status === 201) return done(request.response);
      if (request.status === 401) signals.dispatchEvent(new Event("signed-out"));
      const problems = problemsIn(request.response);
      fail(new Refusal(request.status, sentenceOf(request.status, request.response, problems), problems, request.response));
    });
    request.addEventListener("error", () => fail(new Refusal(0, "The picture could not be sent. Try again in a moment.", [])));
    signal?.addEventListener("abort", () => request.abort());
    request.send(form);
  });
}
