
// What somebody has of one event, as the servers say: a booking, a hold, a place on the waiting list.

const CLAIMS_MAX = 1000; // of a schedule that are looked through; whoever has more is asked about one by one
const MORE_MAX = 1000; // pages of seats of one booking

class Own {
  constructor(event) {
    Object.assign(this, { event, name: "", refused: "", turn: 0 });
    this.set({});
    this.base = event ? path("v1", "events", event.id, event.kind) : "";
  }

  set(found) {
    Object.assign(this, { booking: null, hold: null, place: null }, found);
    this.booked = new Set(this.booking ? this.booking.seats : []);
    this.held = new Set(this.hold ? this.hold.seats : []);
  }

  // Asks what there is. Whether it was learned; an older answer than one that is here is none.
  async refresh(signal) {
    this.turn += 1;
    const mine = this.turn;
    const [name, as] = [who(), actor()];
    // Nothing of one person is another's.
    if (name !== this.name) this.set({ name });
    const found = name ? await (this.event ? this.claims(name, signal) : this.reservation(name, signal)) : {};
    if (!found || signal.aborted || mine !== this.turn) return false;
    reread(as, this.base || RESERVATIONS, found);
    this.refused = "";
    this.set(found);
    return true;
  }

  async reservation(name, signal) {
    const answer = await ask("GET", RESERVATIONS + path(name), { signal });
    return answer.ok ? { booking: { ...answer.body, count: answer.body.seats.length } } : this.none(answer);
  }

  // Nothing, where there is nothing or can be none of such a name. Null where nobody says what there is: it stays as shown.
  none({ status, body }) {
    if ([400, 404, 422].includes(status)) return {};
    const words = (body && body.detail) || "Status " + status + ".";
    if (status > 400 && status < 500 && words !== this.refused && !isSaidToStay()) {
      this.refused = words;
      say(words, "error");
    }
    return null;
  }

  // The schedule says all at once.
  async claims(name, signal) {
    const schedule = await ask("GET", path("v1", "people", name, "schedule") + "?consistency=linearizable&limit=" + CLAIMS_MAX, { signal });
    if (!schedule.ok) return this.none(schedule);
    const found = {};
    const mine = schedule.body.claims.filter(({ event }) => keyOf(event) === keyOf(this.event));
    for (const claim of mine) found[claim.what === "booking" ? "booking" : claim.what] = claim;
    for (const [what, part] of [["booking", "bookings"], ["hold", "holds"], ["place", "waiting"]]) {
      const claim = found[what];
      const isCut = claim && claim.seats && claim.count > claim.seats.length;
      if (!isCut && (claim || !schedule.body.next)) continue;
      const whole = await this.whole(this.base + path(part, name), signal);
      if (whole) found[what] = whole;
    }
    return found;
  }

  // A claim with all its seats, as far as they are told.
  async whole(where, signal) {
    const { ok, body } = await ask("GET", where, { signal });
    if (!ok) return null;
    for (let next = body.next, pages = 0; next && pages < MORE_MAX; pages += 1) {
      const more = await ask("GET", next, { signal });
      if (!more.ok) break;
      body.seats.push(...more.body.seats);
      next = more.body.next;
    }
    return body;
  }
}

// A button that asks once more, in its place: whether to cancel what is booked `of` something, or for `fields`. `hear` gets
// what closes the question while it is open, and null when it is closed.
function asked(word, run, { of, fields, hear = () => {} }) {
  const first = h("button", { type: "button", on: { click: open } }, word);
  const keep = h("button", { type: "button", on: { click: close } }, "Keep");
  const sure = h("form", { class: "line sure", hidden: true, "aria-label": word, on: {
    submit: (event) => { event.preventDefault(); close(); run(); },
    keydown: (event) => { if (event.key === "Escape") close(); },
  } },
    fields || h("span", null, "Cancel your booking of " + of + "?"), h("button", { class: "main" }, fields ? word : "Yes, cancel"), keep);
  function open() {
    hear(close);
    [sure.hidden, first.hidden] = [false, true];
    (fields ? fields[0].querySelector("input") : keep).focus();
  }
  function close() {
    if (sure.hidden) return;
    [sure.hidden, first.hidden] = [true, false];
    first.focus();
    hear(null);
  }
  return { root: h("div", { class: "asked" }, first, sure), close };
}

// The lines that say so, with what can be done about it. `run(doing, method, where, body)` does it.
class OwnPanel {
  constructor(own, run) {
    this.own = own;
    const holder = () => path(who());
    const button = (word, doing, method, where, kind) =>
      h("button", { type: "button", class: kind, on: { click: () => run(doing, method, where()) } }, word);
    const { base } = own;
    this.booking = h("p");
    this.hold = h("p");
    this.place = h("p");
    this.timer = h("span", { role: "timer", "aria-label": "Time left" });
    this.extend = button("Extend", "Extending", "POST", () => base + "/holds" + holder() + "/extend");
    this.cancel = asked("Cancel booking",
      () => run("Cancelling", "DELETE", (own.event ? base + "/bookings" : RESERVATIONS) + holder()), { of: own.event ? named(own.event) : "the theatre" });
    this.lines = {
      booking: h("div", { class: "line note of-yours", hidden: true }, this.booking, this.cancel.root),
      hold: h("div", { class: "line note of-held", hidden: true }, this.hold, this.timer,
        button("Confirm", "Confirming", "POST", () => base + "/holds" + holder() + "/confirm", "main"), this.extend,
        button("Release", "Releasing", "DELETE", () => base + "/holds" + holder())),
      place: h("div", { class: "line note", hidden: true }, this.place,
        button("Leave the waiting list", "Leaving", "DELETE", () => base + "/waiting" + holder())),
    };
    this.root = h("section", { class: "own", "aria-label": "Yours" }, Object.values(this.lines));
  }

  show() {
    const { booking, hold, place } = this.own;
    for (const what of ["booking", "hold", "place"]) this.lines[what].hidden = !this.own[what];
    if (!booking) this.cancel.close();
    if (booking) this.booking.textContent = "You have booked " + seatWords(booking) + ".";
    if (hold) this.hold.textContent = (hold.offered ? "You waited for these, they are held for you: " : "Held for you: ") + seatWords(hold) + ".";
    if (hold) this.extend.disabled = Boolean(hold.extended);
    if (place) this.place.textContent = "You wait for " + plural(place.count, "seat") + ", at place " + place.place + ".";
    this.tick();
  }

  // The servers end a hold; here only the time is told.
  tick() {
    const { hold } = this.own;
    this.timer.textContent = hold ? timeLeft(hold.until_ms) : "";
    this.timer.classList.toggle("soon", Boolean(hold) && hold.until_ms - Date.now() < SOON_MS);
  }
}

const SOON_MS = 30000;
const seatWords = ({ count: number, seats }) => (number === 1 ? "seat " : "seats ") + seatText(seats) + (number > seats.length ? " …" : "");
