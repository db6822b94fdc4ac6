// tracker.js for bundlers and <script type="module">: the same functions, by import.
// They do nothing where there is no page (server rendering).
import "./tracker.js";

const tracker = globalThis.tracker;
const call = (name) => (...args) => tracker?.[name](...args);

export const configure = call("configure");
export const trackEvent = call("trackEvent");
export const trackFilter = call("trackFilter");
export const trackCardClick = call("trackCardClick");
export const trackResults = call("trackResults");
export const trackSage = call("trackSage");
export const linkEmail = call("linkEmail");
export const resetSession = call("resetSession");

// Served by Tracker itself, this file lies beside its API; bundled, call configure({ endpoint }).
if (/^https?:/.test(import.meta.url) && /\/static\/tracker\.mjs$/.test(import.meta.url)) {
  configure({ endpoint: new URL("..", import.meta.url).href });
}
