// What the dashboard does beside htmx: a job's events bring its progress up to date, and errors are told.
"use strict";

(function () {
  // At once, and then once more for all that came within the time.
  function atMostEvery(milliseconds, act) {
    let waiting = false, again = false;
    return function now() {
      if (waiting) { again = true; return; }
      waiting = true;
      act();
      setTimeout(() => { waiting = false; if (again) { again = false; now(); } }, milliseconds);
    };
  }

  // A stream of events, named by an element; each event makes htmx fetch that element anew.
  function follow(element) {
    const source = new EventSource(element.dataset.events);
    const moved = atMostEvery(1000, () => htmx.trigger(element, "moved"));
    for (const name of element.dataset.names.split(" ")) source.addEventListener(name, moved);
    source.onerror = () => { if (source.readyState === EventSource.CLOSED) moved(); };
    document.addEventListener("job-ended", () => source.close(), { once: true });
  }

  // Beyond one line a question is sent by Ctrl or Command with Enter.
  function sendByKey(event) {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && event.target.form) event.target.form.requestSubmit();
  }

  document.addEventListener("DOMContentLoaded", () => {
    document.querySelectorAll("[data-events]").forEach(follow);
    document.querySelectorAll("textarea[data-sends]").forEach((area) => area.addEventListener("keydown", sendByKey));
    document.body.addEventListener("htmx:sendError", () => {
      const told = document.getElementById("told");
      if (told) told.textContent = "The server did not answer. Try again.";
    });
  });
})();
