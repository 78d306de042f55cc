
// The list of events: the theatre first, then pages of events, with numbers that change as seats are sold.

const PAGE_EVENTS = 100; // that are added at once
const SEARCH_EVENTS = 1000; // in one answer while a word is looked for
const SEARCH_PAGES = 10; // that are looked through before the person is asked
const RELIST_MS = 1000; // at most so often because events came

// What was asked for, also after a look at an event.
const filter = { text: "", branch: "", kind: "" };

views.events = {
  hearsWho: true,
  show(root, _parts, signal) {
    const rows = h("tbody");
    const note = h("p", { class: "quiet", role: "status" });
    const more = h("button", { type: "button", hidden: true, on: { click: () => load(PAGE_EVENTS) } }, "Show more");
    const text = h("input", { type: "search", id: "filter", value: filter.text, maxlength: 64, on: { input: later(() => change("text", text.value.trim()), signal) } });
    const branch = choice("branch", "All branches");
    const kind = choice("kind", "All kinds");
    root.append(
      h("h2", null, "Events"),
      h("form", { class: "filters", role: "search", on: { submit: (event) => event.preventDefault() } },
        h("label", null, "Filter ", text), h("label", null, "Branch ", branch), h("label", null, "Kind ", kind)),
      h("table", { "aria-label": "Events", class: "events", role: "table" },
        h("thead", null, h("tr", { role: "row" }, ...["Event", "Branch", "When", "Free", "Waiting"].map((name) => h("th", { scope: "col", role: "columnheader" }, name)))), rows),
      note, more);

    const theatre = new EventRow({ name: net.cluster, capacity: 0, left: 0 });
    const live = new Map(); // what the stream has told since its reset; it is newer than any list
    let drawn = new Map(); // rows by event
    let next = ""; // where the list goes on; null at its end
    let seen = 0; // events that were looked through
    let total = null;
    let turn = 0; // of the list that is drawn: older answers are dropped
    let isLoading = false;
    let listed = 0; // when

    function choice(member, all) {
      return h("select", { on: { change: (event) => change(member, event.target.value) } }, h("option", { value: "" }, all));
    }

    function options(select, member, values) {
      for (const [value, label] of values) select.append(h("option", { value, selected: filter[member] === value }, label));
    }

    function change(member, value) {
      filter[member] = value;
      relist(PAGE_EVENTS);
    }

    const matches = ({ event, name, branch, date, theatre }) =>
      [event.id, event.kind, name, branch, date, theatre].some((value) => value && value.toLowerCase().includes(filter.text.toLowerCase()));

    // Lists anew, as many as are shown; what is shown stays until the answer is there.
    function relist(want) {
      turn += 1;
      [next, seen, isLoading, listed] = ["", 0, false, performance.now()];
      return load(want, new Map());
    }

    async function load(want, fresh) {
      if (isLoading || next === null) return;
      const mine = turn;
      const target = fresh || drawn;
      const found = [];
      isLoading = true;
      more.disabled = true;
      let problem = "";
      for (let pages = 0; found.length < want && next !== null && pages < SEARCH_PAGES; pages += 1) {
        const params = new URLSearchParams({ limit: filter.text ? SEARCH_EVENTS : Math.min(want, SEARCH_EVENTS) });
        if (filter.branch) params.set("branch", filter.branch);
        if (filter.kind) params.set("kind", filter.kind);
        const answer = await ask("GET", next || "/v1/events?" + params, { signal });
        if (signal.aborted || mine !== turn) return;
        if (!answer.ok) { problem = answer.body.detail; break; }
        seen += answer.body.events.length;
        next = answer.body.next || null;
        found.push(...answer.body.events.filter((event) => !filter.text || matches(event)));
        if (filter.text && next !== null) note.textContent = "Looked through " + count(seen) + " events …";
      }
      isLoading = false;
      more.disabled = false;
      for (const event of found) {
        const key = keyOf(event.event);
        const row = (fresh && drawn.get(key)) || new EventRow(event);
        row.set({ ...event, ...live.get(key) });
        target.set(key, row);
      }
      drawn = target;
      if (fresh) rows.replaceChildren(...(isTheatreShown() ? [theatre.row] : []), ...[...drawn.values()].map((row) => row.row));
      else rows.append(...found.map((event) => drawn.get(keyOf(event.event)).row));
      more.hidden = next === null && !problem;
      more.textContent = filter.text ? "Search on" : "Show more";
      note.textContent = problem || counted();
    }

    const isTheatreShown = () => !filter.branch && !filter.kind && ("theatre " + net.cluster).toLowerCase().includes(filter.text.toLowerCase());

    function counted() {
      const shown = plural(drawn.size, "event");
      if (filter.text && next !== null) return shown + " found among the first " + count(seen) + ".";
      if (next === null) return drawn.size === 0 && (filter.text || filter.branch || filter.kind) ? "No event is like that." : shown + ".";
      return total === null || filter.branch || filter.kind ? shown + " shown." : shown + " of " + count(total) + " shown.";
    }

    // Events came: they have a place in the order of the servers. Many are told of together.
    let soon = 0;
    function came() {
      if (soon) return;
      const wait = Math.max(50, listed + RELIST_MS - performance.now());
      soon = setTimeout(() => {
        soon = 0;
        if (!signal.aborted && !isLoading) relist(Math.max(PAGE_EVENTS, drawn.size));
        else if (!signal.aborted) came();
      }, wait);
    }

    ask("GET", "/v1/branches?limit=1000", { signal }).then(({ ok, body }) => {
      if (ok) options(branch, "branch", body.branches.map((row) => [row.branch, row.branch + " – " + row.name]));
    });
    ask("GET", "/v1/kinds", { signal }).then(({ ok, body }) => { if (ok) options(kind, "kind", body.kinds.map((name) => [name, name])); });
    follow("/v1/events/stream", signal, (event, data) => {
      if (event === "reset") {
        live.clear();
        for (const row of data.events || []) live.set(keyOf(row.event), row);
        total = data.total;
        theatre.set(data.theatre);
        relist(Math.max(PAGE_EVENTS, drawn.size));
      } else if (event === "change" && data.event === null) theatre.set(data);
      else if (event === "change") {
        const key = keyOf(data.event);
        if (data.removed) {
          const row = drawn.get(key);
          live.delete(key);
          drawn.delete(key);
          if (row) row.row.remove();
          if (total !== null) total -= 1;
          note.textContent = counted();
          return;
        }
        const { left, held, waiting } = data;
        live.set(key, { ...live.get(key), left, held, waiting, ...(data.capacity ? { capacity: data.capacity } : {}) });
        if (drawn.has(key)) drawn.get(key).set(live.get(key));
        else if (data.added) {
          if (total !== null) total += 1;
          came();
        }
      } else if (event === "refused") say(data.detail, "error");
    });
  },
};

const keyOf = ({ id, kind }) => id + "/" + kind;
const addressOf = (event) => (event && event.id ? "#" + path("event", event.id, event.kind) : "#/event/theatre");

// Runs when nothing more has been typed for a moment.
function later(run, signal) {
  let timer = 0;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(() => { if (!signal.aborted) run(); }, 200);
  };
}

// Runs at once, but one at a time and no more often than each `ms`; what is wanted meanwhile is done then.
function atMost(run, ms, signal) {
  let isWanted = false;
  let isRunning = false;
  return async () => {
    isWanted = true;
    if (isRunning) return;
    isRunning = true;
    while (isWanted && !signal.aborted) {
      isWanted = false;
      await run();
      await pause(ms, signal);
    }
    isRunning = false;
  };
}

// A line of the list. Of an event, or of the theatre.
class EventRow {
  constructor(facts) {
    const { event, branch, name, theatre } = facts;
    const words = event ? [event.kind, name, theatre] : [name];
    this.facts = {};
    this.fill = h("span", null);
    this.free = h("span", { class: "number" });
    const cell = { role: "cell" };
    this.waiting = h("td", cell);
    // The roles stay when a narrow screen lays the cells out as lines.
    this.row = h("tr", { role: "row" },
      h("td", cell, h("a", { href: addressOf(event) }, event ? event.id : "theatre"), h("span", { class: "quiet" }, words.filter(Boolean).join(" · "))),
      h("td", cell, branch || ""),
      h("td", cell, ...(event ? [h("span", { class: "date" }, facts.date), " ", h("span", { class: "quiet" }, slotOf(facts))] : [])),
      h("td", cell, this.free, h("span", { class: "bar", "aria-hidden": "true" }, this.fill)), this.waiting);
    this.set(facts);
  }

  set(facts) {
    Object.assign(this.facts, facts);
    const { capacity, left, waiting } = this.facts;
    this.free.textContent = capacity ? count(left) + " of " + count(capacity) : "";
    this.fill.style.width = (capacity ? (100 * left) / capacity : 0) + "%";
    this.row.classList.toggle("full", capacity > 0 && left === 0);
    this.waiting.textContent = waiting ? count(waiting) : "";
  }
}
