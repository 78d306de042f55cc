
// What somebody has booked, holds and waits for, in all events and the theatre.

const CLAIMS_SHOWN = 100; // at once

views.bookings = {
  hearsWho: true,
  show(root, _parts, signal) {
    const list = h("div", { class: "claims" });
    const more = h("button", { type: "button", hidden: true, on: { click: () => load(next) } }, "Show more");
    root.append(h("h2", null, "My bookings"), list, more);
    const timers = new Map(); // elements that tell the time, with until when
    let mine = new Set(); // events that are shown
    let theatre = []; // seats of the reservation
    let next = null;
    let turn = 0;
    let open = null; // where a question is being asked of the person: nothing is drawn anew under it
    let isStale = false;

    function refresh() {
      if (open) isStale = true;
      return open ? null : load(null);
    }

    async function load(after) {
      turn += 1;
      const now = turn;
      const [name, as] = [who(), actor()];
      if (!name) {
        list.replaceChildren(h("p", null, "Say above who you are, and what is yours is shown here."));
        more.hidden = true;
        return;
      }
      const page = "?consistency=linearizable&limit=" + CLAIMS_SHOWN;
      const [schedule, reservation] = await Promise.all([
        ask("GET", after || path("v1", "people", name, "schedule") + page, { signal }),
        after ? null : ask("GET", RESERVATIONS + path(name), { signal }),
      ]);
      if (signal.aborted || now !== turn) return;
      if (!schedule.ok) {
        list.replaceChildren(h("p", null, schedule.body.detail));
        return;
      }
      if (!after) {
        timers.clear();
        mine = new Set();
        theatre = reservation.ok ? reservation.body.seats : [];
        reread(as, EXCHANGES, [schedule.body.claims, theatre]);
      }
      const rows = [
        ...(theatre.length > 0 && !after ? [reserved(name)] : []),
        ...schedule.body.claims.map((row) => claim(name, row)),
        ...(schedule.body.cancelled || []).map(cancelled),
      ];
      const hadFocus = list.contains(document.activeElement);
      if (after) list.append(...rows);
      else list.replaceChildren(...(rows.length > 0 ? rows : [h("p", null, name + " has booked nothing, holds nothing and waits for nothing.")]));
      next = schedule.body.next || null;
      more.hidden = !next;
      tick();
      if (hadFocus && document.activeElement === document.body) byId("main").focus({ preventScroll: true });
    }

    function card(state, title, address, words, ...buttons) {
      return h("article", { class: "line note of-" + state },
        h("div", null, h("h3", null, address ? h("a", { href: address }, title) : title), h("p", null, words)), ...buttons);
    }

    function reserved(name) {
      return card("yours", "theatre", addressOf(null), "Booked: " + (theatre.length === 1 ? "seat " : "seats ") + seatText(theatre) + ".",
        asked("Cancel booking", () => act("Cancelling", "DELETE", RESERVATIONS + path(name)), { hear, of: "the theatre" }).root);
    }

    function claim(name, row) {
      const { event, date, what } = row;
      const base = path("v1", "events", event.id, event.kind);
      const button = (word, doing, method, where, kind) =>
        h("button", { type: "button", class: kind, on: { click: () => act(doing, method, where) } }, word);
      mine.add(keyOf(event));
      const title = named(event);
      if (what === "place") {
        return card("waiting", title, addressOf(event), date + " · You wait for " + plural(row.count, "seat") + ", at place " + row.place + ".",
          button("Leave the waiting list", "Leaving", "DELETE", base + path("waiting", name)));
      }
      if (what === "hold") {
        const time = h("span", { role: "timer", "aria-label": "Time left" });
        timers.set(time, row.until_ms);
        return card("held", title, addressOf(event), date + " · Held for you: " + seatWords(row) + ".", time,
          button("Confirm", "Confirming", "POST", base + path("holds", name, "confirm"), "main"),
          button("Release", "Releasing", "DELETE", base + path("holds", name)));
      }
      const other = exchange(row);
      return card("yours", title, addressOf(event), date + " · Booked: " + seatWords(row) + ".",
        asked("Exchange", other.run, { hear, ...other }).root,
        asked("Cancel booking", () => act("Cancelling", "DELETE", base + path("bookings", name)), { hear, of: title }).root);
    }

    function cancelled({ event, seats }) {
      return card("lost", named(event), null, "Cancelled by the organiser: " + plural(seats, "seat") + ".");
    }

    // Another booking for this one, both or nothing.
    function exchange({ event, count: number }) {
      const field = (label, input) => h("label", null, label + " ", input);
      const id = h("input", { maxlength: 36, required: true, spellcheck: "false" });
      const kind = h("input", { maxlength: 64, required: true, value: event.kind });
      const many = h("input", { type: "number", min: 1, max: COUNT_MAX, value: number, required: true });
      return {
        fields: [field("For event", id), field("Kind", kind), field("How many", many)],
        run: () => act("Exchanging", "POST", "/v1/exchanges", { from: event, to: { id: id.value.trim(), kind: kind.value.trim() }, count: Number(many.value) }),
      };
    }

    // One question at a time.
    function hear(close) {
      if (close && open) open();
      open = close;
      if (!close && isStale) load(null);
      if (!close) isStale = false;
    }

    function tick() {
      for (const [element, until] of timers) element.textContent = timeLeft(until);
    }

    const clock = setInterval(tick, 500);
    const soon = atMost(refresh, REFRESH_MS, signal);
    const seen = () => { if (!document.hidden) refresh(); };
    const whoChanged = () => { open = null; refresh(); };
    net.moved.addEventListener("who", whoChanged);
    net.moved.addEventListener("acted", refresh);
    document.addEventListener("visibilitychange", seen);
    signal.addEventListener("abort", () => {
      clearInterval(clock);
      net.moved.removeEventListener("who", whoChanged);
      net.moved.removeEventListener("acted", refresh);
      document.removeEventListener("visibilitychange", seen);
    });
    // The servers say when something of it changes: a hold ends, a place becomes an offer, an organiser cancels.
    follow("/v1/events/stream", signal, (event, data) => {
      if (event === "reset" || (event === "change" && (data.event ? mine.has(keyOf(data.event)) : touches(data.freed, theatre)))) soon();
    });
    load(null);
  },
};
