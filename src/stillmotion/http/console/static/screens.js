/** Every screen: its name in addresses, its place in the menus, who may see it. Each is loaded when it is opened. */

/**
 * @typedef {object} Screen
 * @property {string} label
 * @property {"studio" | "account" | "service" | "none"} section studio: in the bar. account, service: in More
 * @property {string} icon
 * @property {() => Promise<{show: (place: any) => any}>} load
 */

/** @type {Record<string, Screen>} */
export const screens = {
  make: { label: "Make", section: "studio", icon: "spark", load: () => import("./screens/make.js") },
  gallery: { label: "Gallery", section: "studio", icon: "gallery", load: () => import("./screens/gallery.js") },
  queue: { label: "Queue", section: "studio", icon: "queue", load: () => import("./screens/queue.js") },
  failures: { label: "Failures", section: "account", icon: "failures", load: () => import("./screens/failures.js") },
  keys: { label: "Keys", section: "account", icon: "key", load: () => import("./screens/keys.js") },
  usage: { label: "Usage", section: "account", icon: "usage", load: () => import("./screens/usage.js") },
  callbacks: { label: "Callbacks", section: "account", icon: "callbacks", load: () => import("./screens/callbacks.js") },
  overview: { label: "Overview", section: "service", icon: "overview", load: () => import("./screens/overview.js") },
  everybody: { label: "Everybody", section: "service", icon: "everybody", load: () => import("./screens/everybody.js") },
  customers: { label: "Customers", section: "service", icon: "customers", load: () => import("./screens/customers.js") },
  models: { label: "Models and workers", section: "service", icon: "models", load: () => import("./screens/models.js") },
  settings: { label: "Settings and log", section: "service", icon: "settings", load: () => import("./screens/settings.js") },
  about: { label: "About", section: "none", icon: "about", load: () => import("./screens/about.js") },
};

/** The screens of a section, by name, in the order of the table. */
export function screensOf(/** @type {string} */ section) {
  return Object.entries(screens).filter(([, each]) => each.section === section);
}
