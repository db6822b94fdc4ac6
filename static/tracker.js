/*
 * Sends what happens on a page to Tracker.
 *   <script defer src="https://tracker.example.com/static/tracker.js"></script>
 *   tracker.trackEvent("card_click", { expert_id: "e1", context: "grid" });
 * Under Global Privacy Control or Do Not Track it stores and sends nothing.
 */
(() => {
  if (!globalThis.document) return; // on a server

  const pending = {};
  const away = new Set(); // being sent
  let store = {}, disk = {}, api, signals, timer, sending;
  let failures = 0, notBefore = 0, last = 0, maxEvents = 500;
  try {
    store = disk = localStorage;
  } catch {} // blocked: memory only

  function write(key, value) {
    try {
      store[key] = value;
    } catch {
      store = { ...store, [key]: value }; // full
    }
  }

  // Once the disk is full, the store is a copy.
  const remove = (keys) => keys.forEach((key) => delete store[key] && delete disk[key]);

  // A key per event: tabs overwrite nothing.
  const queued = () => Object.keys(store).filter((key) => key.startsWith("tcs_queue_")).sort();

  // Plain http has none; blob URLs end with one.
  const uuid = () => crypto.randomUUID?.() ?? URL.createObjectURL(new Blob()).slice(-36);

  /** UUIDv7, ordered. */
  function orderedId() {
    last = Math.max(last + 1, Date.now());
    return last.toString(16).padStart(12, 0).replace(/.{8}/, "$&-") + "-7" + uuid().slice(15);
  }

  function sessionId() {
    if (!/^[\da-f-]{36}$/.test(store.tcs_session_id)) write("tcs_session_id", uuid());
    return store.tcs_session_id;
  }

  const bytes = (text) => new Blob([text]).size;
  const silent = () =>
    signals !== "ignore" && (navigator.globalPrivacyControl || navigator.doNotTrack == 1);

  /** Never throws. */
  const safely = (work) => (...args) => {
    try {
      if (!silent()) return work(...args);
      remove(Object.keys(store).filter((key) => key.startsWith("tcs_")));
    } catch (error) {
      console.warn("tracker:", error);
    }
  };

  function event(event_type, payload = {}) {
    const json = JSON.stringify(payload);
    if (bytes(json) > 8192) throw event_type + " is over 8 KiB";
    return { event_type, event_id: orderedId(), session_id: sessionId(),
      occurred_at: new Date(), payload: JSON.parse(json) };
  }

  function enqueue(item) {
    // Half an emoji would be refused.
    const json = JSON.stringify(item, (_, part) => part?.toWellFormed?.() ?? part);
    if (json[1e4]) throw "too long";
    write("tcs_queue_" + (item.event_id ?? orderedId() + ":link"), json);
    remove(queued().slice(0, -1000));
    schedule();
  }

  const tracker = window.tracker = {
    trackEvent: (type, payload) => enqueue(event(type, payload)),

    linkEmail: (email) => enqueue({ session_id: sessionId(), email }),

    resetSession: () => remove(["tcs_session_id"]),

    trackCardClick: (expert_id, context, details) =>
      tracker.trackEvent("card_click", { expert_id, context, ...details }),

    /** Returns the view_id for clicks. */
    trackResults(context, expert_ids, details) {
      const view_id = uuid();
      tracker.trackEvent("results_shown", { view_id, context, expert_ids, ...details });
      return view_id;
    },

    /** `answer`: a promise of { function_called, result_count, expert_ids }. */
    trackSage(query_text, answer) {
      const view_id = uuid();
      Promise.resolve(answer).then((found) => tracker.trackEvent("sage_query",
        { query_text, expert_ids: [], view_id, ...found }), () => {});
      return view_id;
    },

    /** Sends what rests for a second; clearing is silent. */
    trackFilter(filter, value, result_count) {
      clearTimeout(pending[filter]?.timer);
      delete pending[filter];
      if ([value].flat().every((part) => part == null || part === "")) return;
      const item = event("filter_change", { filter, value, result_count });
      const send = () => delete pending[filter] && enqueue(item);
      pending[filter] = { send, timer: setTimeout(send, 1000) };
    },
  };

  function waiting() {
    const left = Math.max(notBefore, store.tcs_wait ?? 0) - Date.now();
    return left < 864e5 && left; // clock put back
  }

  function schedule(delay = 0) {
    clearTimeout(timer);
    timer = setTimeout(flush, Math.max(delay, waiting()));
  }

  /** Tabs take turns; if not, ids make it harmless. */
  async function flush() {
    if (sending || !api || silent()) return;
    sending = true;
    try {
      await navigator.locks.request("tcs_send", deliver);
    } catch {
      await deliver();
    }
    sending = false;
    if (queued()[0]) schedule();
  }

  async function deliver() {
    let batch;
    while (waiting() <= 0 && (batch = nextBatch(queued()))) await post(batch);
  }

  /** A link, or events below the limit of keepalive. */
  function nextBatch(keys) {
    const [first] = keys;
    if (first?.endsWith(":link")) {
      return { url: "sessions/link", keys: [first], body: store[first] };
    }
    let size = 100;
    keys = keys.filter((key) => !key.endsWith(":link") && (size += bytes(store[key]) + 1) < 6e4)
      .slice(0, maxEvents);
    const items = keys.map((key) => store[key]);
    const body = `{"events":[${items}],"sent_at":"${new Date().toJSON()}"}`;
    return first && { url: "events", keys, body };
  }

  async function post({ url, keys, body }) {
    let response, answer;
    keys.forEach((key) => away.add(key));
    try {
      response = await fetch(api + url,
        { method: "POST", body, keepalive: true, credentials: "omit" });
      answer = await response.json();
    } catch {}
    keys.forEach((key) => away.delete(key));
    const { ok, status } = response ?? {};
    if (status === 413 && keys[1]) maxEvents = keys.length >> 1;
    else if (status < 500 && status !== 429 && (answer || !ok)) {
      for (const { index = 0, ...why } of answer?.rejected ?? (ok ? [] : [answer ?? status])) {
        console.warn("tracker: refused", store[keys[index]], JSON.stringify(why));
      }
      failures = 0;
      remove(keys);
    } else hold(response);
  }

  /** As told, else longer. */
  function hold(response) {
    const told = response?.headers.get("Retry-After");
    let delay = told * 1000 || Date.parse(told) - Date.now();
    if (!(delay > 0)) delay = 1000 * 2 ** Math.min(failures++, 8);
    notBefore = Date.now() + Math.min(delay, 5e7) * (1 + Math.random() / 2);
    if (response) write("tcs_wait", notBefore); // for all tabs
  }

  /** What a beacon takes stays queued until confirmed. */
  function leave() {
    for (const filter in pending) {
      clearTimeout(pending[filter].timer);
      pending[filter].send();
    }
    if (!api || silent() || (waiting() > 0 && store.setItem)) return;
    let batch;
    while ((batch = nextBatch(queued().filter((key) => !away.has(key))))
      && navigator.sendBeacon(api + batch.url, batch.body)) {
      batch.keys.forEach((key) => away.add(key));
    }
    schedule(3e4);
  }

  function wake() {
    notBefore = 0;
    schedule();
  }

  for (const name in tracker) tracker[name] = safely(tracker[name]);
  tracker.configure = ({ endpoint, privacySignals }) => {
    api = endpoint?.replace(/\/?$/, "/api/") ?? api;
    signals = privacySignals ?? signals;
    safely(schedule)();
  };
  const script = document.currentScript; // null in a module
  if (script?.src) tracker.configure({ endpoint: new URL("..", script.src).href, ...script.dataset });
  addEventListener("pagehide", leave);
  addEventListener("online", wake);
  document.addEventListener("visibilitychange", () => (document.hidden ? leave() : wake()));
})();
