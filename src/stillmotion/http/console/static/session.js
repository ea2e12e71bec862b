/** Who is signed in. The key itself is sent once and is kept nowhere on the page. */

import { ask, get, post } from "./api.js";

/**
 * @typedef {object} Session
 * @property {"user" | "reader" | "administrator"} role
 * @property {{id: string, name: string, product: string} | null} subscription
 * @property {boolean} administrator
 * @property {boolean} [open]
 * @property {string | null} expires_at
 */

/** @type {{current: Session | null}} */
export const session = { current: null };

/** Look who is signed in; null for nobody. A server that is open to its own machine needs no sign-in. */
export async function look() {
  const found = await get("session");
  session.current = found.role ? found : null;
  return session.current;
}

/** Sign in with a key; inside a session it adds to that. A reader can change nothing. Raises `Refusal`. */
export async function signIn(/** @type {string} */ key, { reader = false } = {}) {
  session.current = await post("session", { key, ...(reader && { role: "reader" }) });
  return session.current;
}

/** Sign in with the link that `serve` printed. It is good once. Raises `Refusal`. */
export async function signInFirst(/** @type {string} */ token) {
  session.current = await post("session", { first: token });
  return session.current;
}

/** Sign out, here and at the server. */
export async function signOut() {
  await ask("DELETE", "session");
  session.current = null;
}

/** True for one who has clips: an administrator may have no subscription. */
export function hasClips() {
  return Boolean(session.current?.subscription);
}

/** True for one who may change something. */
export function mayWrite() {
  return session.current?.role !== "reader";
}
