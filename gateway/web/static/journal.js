// The journal, live: each event is a row that the server has written, at its place by time.
"use strict";
{
  const status = document.getElementById("live");
  const rows = document.getElementById("mails");
  const MOST = 200;

  const say = (name) => {
    status.className = name;
    status.textContent = status.dataset[name];
  };

  const add = (markup) => {
    const template = document.createElement("template");
    template.innerHTML = markup;
    const row = template.content.querySelector("tr");
    if (!row || document.getElementById(row.id)) return;
    const next = [...rows.children].find((each) => each.dataset.key < row.dataset.key);
    row.classList.add("new");
    rows.insertBefore(row, next ?? null);
    rows.closest("table").hidden = false;
    document.getElementById("none")?.remove();
    if (rows.children.length > MOST) shorten();
  };

  // The last rows go to the page before.
  const shorten = () => {
    const older = document.getElementById("older");
    if (!older) return;
    while (rows.children.length > MOST) rows.lastElementChild.remove();
    const link = new URL(older.href);
    link.searchParams.set("before", rows.lastElementChild.dataset.key);
    older.href = link;
  };

  // A browser comes back by itself to a stream that ended, but not to one that was refused.
  const again = () => setTimeout(follow, 10000 + Math.random() * 10000);

  const follow = () => {
    const address = new URL(status.dataset.events, location.href);
    if (rows.firstElementChild) address.searchParams.set("after", rows.firstElementChild.dataset.key);
    const source = new EventSource(address);
    let isShort = false;
    source.addEventListener("open", () => say(isShort ? "more" : "on"));
    source.addEventListener("error", () => {
      const isRefused = source.readyState === EventSource.CLOSED;
      say(isRefused ? "refused" : "lost");
      if (isRefused) again();
    });
    source.addEventListener("mail", (event) => add(event.data));
    source.addEventListener("more", () => {
      isShort = true;
      say("more");
    });
    for (const name of ["slow", "ended"]) {
      source.addEventListener(name, () => {
        source.close();
        say(name);
      });
    }
  };

  follow();
}
