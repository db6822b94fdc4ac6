/* A panel with data-refresh follows what comes in: it asks for the newest row once a second
   while it is looked at, and fetches itself anew when there is another one. */
(() => {
  const EVERY = 1000;

  async function newest(panel) {
    const answer = await fetch(panel.dataset.refresh.replace(/limit=\d+/, "limit=1"), { cache: "no-store" });
    if (!answer.ok) throw new Error(String(answer.status));
    return JSON.stringify((await answer.json()).rows);
  }

  async function renew(panel) {
    const page = await (await fetch(location.href, { cache: "no-store" })).text();
    const fresh = new DOMParser().parseFromString(page, "text/html").getElementById(panel.id);
    const body = fresh?.querySelector(".table-frame, .empty");
    panel.querySelector(".table-frame, .empty")?.replaceWith(body);
    dispatchEvent(new Event("resize")); // the new table may be wider than the one before
  }

  async function follow(panel, seen) {
    let pause = EVERY;
    try {
      if (!document.hidden && !panel.contains(document.activeElement?.closest("td"))) {
        const now = await newest(panel);
        if (now !== seen) await renew(panel);
        seen = now;
      }
    } catch {
      pause = 10 * EVERY; // away or logged out: ask less often
    }
    setTimeout(follow, pause, panel, seen);
  }

  document.querySelectorAll("[data-refresh]").forEach((panel) => {
    follow(panel, JSON.stringify(JSON.parse(panel.dataset.newest)));
  });
})();
