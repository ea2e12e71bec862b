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
  session.current = found.role || found.open ? { ...found, role: found.role ?? "user" } : null;
  return session.current;
}

/** Sign in with a key. Raises `Refusal`. */
export async function signIn(/** @type {string} */ key) {
  session.current = await post("session", { key });
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

/** True for one who may change something. */
export function mayWrite() {
  return session.current?.role !== "reader";
}
