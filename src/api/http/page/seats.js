
// One event, or the theatre: its seats, what is picked, and what can be done with it.

const TOLD_MS = 10000; // between what is read out about others
const REFRESH_MS = 2000; // between questions for what is one's own because of what others do
const COUNT_MAX = 1000000;

views.event = {
  hearsWho: true,
  show(root, parts, signal) {
    const [id, kind] = parts;
    new EventView(root, kind === undefined ? null : { id, kind }, signal).begin();
  },
};

class EventView {
  constructor(root, event, signal) {
    this.closed = new AbortController();
    this.refreshSoon = atMost(() => this.refresh(), REFRESH_MS, signal);
    Object.assign(this, { root, event, signal, isBusy: false, isKnown: false, toldAt: -TOLD_MS, toldLater: 0 });
    this.map = new SeatMap();
    this.choice = choiceOf(event ? keyOf(event) : "theatre");
    this.own = new Own(event);
    this.panel = new OwnPanel(this.own, (...what) => this.run(...what));
    this.board = new Board({
      title: event ? named(event) : "the theatre", signal,
      stateOf: (seat) => this.stateOf(seat), isTaken: (seat) => this.map.isTaken(seat), toggle: (seat) => this.toggle(seat),
    });
    this.draw();
  }

  draw() {
    const button = (word, click, kind) => h("button", { type: "button", class: kind, on: { click } }, word);
    this.title = h("h2", null, this.event ? named(this.event) : "theatre");
    this.about = h("p", { class: "quiet" }, this.event ? "" : net.cluster);
    this.free = h("p", { class: "left" });
    this.heard = h("p", { class: "unseen", "aria-live": "polite" });
    this.picked = h("p", { class: "chosen" });
    this.lost = h("p");
    this.book = button("Book", () => this.take("Booking", "bookings"), "main");
    this.hold = button("Hold", () => this.take("Holding", "holds"));
    this.hold.hidden = !this.event;
    this.clear = button("Clear", () => this.forget());
    this.conflict = h("div", { class: "line note of-lost", hidden: true }, this.lost, button("Take the nearest", () => this.nearest()));
    this.many = h("input", { type: "number", id: "many", min: 1, max: COUNT_MAX, value: 1, inputmode: "numeric", on: { input: () => this.show() } });
    const best = this.event && button("Best together", () => this.takeMany({ best: true }));
    this.join = button("Join the waiting list", () => this.run("Joining", "POST", this.own.base + "/waiting", { count: this.wanted() }));
    this.actions = h("div", { class: "actions" },
      this.conflict,
      h("div", { class: "line" }, this.picked, this.clear, this.hold, this.book));
    byId("dock").replaceChildren(this.actions);
    this.root.append(
      h("div", { class: "title" }, h("div", null, this.title, this.about), this.free),
      this.heard, this.panel.root,
      h("form", { class: "line quick", "aria-label": "Book without picking", on: { submit: (event) => event.preventDefault() } },
        h("label", { for: "many" }, "How many"), this.many, h("span", { class: "quiet" }, "book without picking:"),
        best, button("Lowest", () => this.takeMany({})), this.join),
      this.board.root);
    this.show();
  }

  begin() {
    const { signal } = this;
    const clock = setInterval(() => this.panel.tick(), 500);
    // What `run` does it looks at itself.
    const refresh = () => { if (!this.isBusy) this.refresh(); };
    const seen = () => { if (!document.hidden) refresh(); };
    net.moved.addEventListener("who", refresh);
    net.moved.addEventListener("acted", refresh);
    document.addEventListener("visibilitychange", seen);
    signal.addEventListener("abort", () => {
      this.closed.abort();
      byId("dock").replaceChildren();
      clearInterval(clock);
      clearTimeout(this.toldLater);
      net.moved.removeEventListener("who", refresh);
      net.moved.removeEventListener("acted", refresh);
      document.removeEventListener("visibilitychange", seen);
    });
    this.refresh();
    if (this.event) this.describe();
    this.followSeats();
  }

  followSeats() {
    follow(this.event ? this.own.base + "/stream" : "/v1/seats/stream", this.closed.signal, (event, data) => {
      if (event === "reset" || event === "change") this.changed(event, data);
      else if (event === "gone") this.gone();
      else if (event === "refused") say(data.detail, "error");
    });
  }

  // Name, date and place. Whether the event is there.
  async describe() {
    const { ok, status, body } = await ask("GET", this.own.base, { signal: this.signal });
    if (this.signal.aborted) return false;
    if (!ok) {
      say(body.detail, "error");
      if (status >= 400 && status < 500) this.close(body.detail);
      return false;
    }
    this.about.textContent = [body.name, body.branch, body.date, slotOf(body), body.theatre].filter(Boolean).join(" · ");
    return true;
  }

  // A server that is behind may not know an event yet: all of them are asked.
  async gone() {
    await pause(PAUSE_MS[1], this.signal);
    if (!this.signal.aborted && await this.describe()) this.followSeats();
  }

  close(words) {
    this.closed.abort();
    byId("dock").replaceChildren();
    this.root.replaceChildren(h("h2", null, this.title.textContent), h("p", null, words), h("p", null, h("a", { href: "#/events" }, "All events")));
  }

  changed(event, data) {
    const { map } = this;
    const { capacity } = map;
    map[event](data);
    const gave = event === "reset" ? [[1, map.capacity]] : data.freed;
    for (const seat of this.choice.lost) if (touches(gave, [seat]) && !map.isTaken(seat)) this.choice.lost.delete(seat);
    for (const seat of this.choice.picked) if (seat > map.capacity) this.choice.picked.delete(seat);
    const lost = this.settle();
    // What is one's own may have changed: a hold has ended, a place has become an offer, another window has booked.
    const { own } = this;
    const isOwn = event === "reset" || lost || own.place || touches(data.freed, own.booked) || touches(data.freed, own.held)
      || (who() && !this.isBusy && data.taken.length > 0);
    if (isOwn && this.isKnown) this.refreshSoon();
    this.isKnown = true;
    if (capacity !== map.capacity) this.board.reset(map.capacity);
    this.show();
    if (event === "change") this.tellLater();
  }

  // What was picked and is taken by somebody else is lost. Not while an action of one's own may be what took it.
  settle() {
    if (this.isBusy) return false;
    const gone = [...this.choice.picked].filter((seat) => this.map.isTaken(seat));
    const mine = gone.filter((seat) => this.own.booked.has(seat) || this.own.held.has(seat));
    for (const seat of mine) this.choice.picked.delete(seat);
    this.choice.lose(gone.filter((seat) => !mine.includes(seat)));
    return gone.length > mine.length;
  }

  async refresh() {
    const { hold, name } = this.own;
    const read = this.own.refresh(this.signal);
    this.show();
    if (!await read) return;
    if (hold && name === this.own.name && !this.own.hold && !this.own.booking && !this.isBusy) say("The seats are not held for you any more.", "note");
    for (const seat of [...this.own.booked, ...this.own.held]) {
      this.choice.lost.delete(seat);
      if (!this.isBusy) this.choice.picked.delete(seat);
    }
    this.show();
  }

  stateOf(seat) {
    if (this.own.booked.has(seat)) return "yours";
    if (this.own.held.has(seat)) return "held";
    if (this.choice.lost.has(seat)) return "lost";
    if (this.choice.picked.has(seat)) return "picked";
    return this.map.isTaken(seat) ? "taken" : "free";
  }

  toggle(seat) {
    const state = this.stateOf(seat);
    if (state === "picked") this.choice.picked.delete(seat);
    else if (state === "free") this.choice.picked.add(seat);
    this.show();
  }

  forget() {
    this.choice.clear();
    this.show();
    this.book.focus();
  }

  nearest() {
    const isFree = (seat) => this.stateOf(seat) === "free";
    const taken = this.choice.takeNearest(isFree, this.map.capacity);
    if (taken.length > 0) this.board.show(taken[0], false);
    this.show();
    this.book.focus({ preventScroll: true });
  }

  wanted() {
    return Math.max(1, Math.trunc(Number(this.many.value)) || 1);
  }

  // Books or holds what is picked.
  take(doing, what) {
    const seats = [...this.choice.picked].sort((a, b) => a - b);
    if (seats.length === 0) return say("Pick seats, or say how many.", "refused");
    return this.send(doing, what, { seats });
  }

  takeMany(how) {
    return this.send("Booking", "bookings", { count: this.wanted(), ...how });
  }

  send(doing, what, wish) {
    if (this.event) return this.run(doing, "POST", this.own.base + "/" + what, wish);
    if (who()) return this.run(doing, "POST", RESERVATIONS, { name: who(), ...wish });
    byId("who").focus();
    return say("Say who you are: a reservation has a name.", "refused");
  }

  async run(doing, method, where, body) {
    if (this.isBusy) return;
    this.isBusy = true;
    this.root.setAttribute("aria-busy", "true");
    const answer = await act(doing, method, where, body);
    const { seats = [] } = answer.body || {};
    if (answer.ok && body && body.seats) this.choice.clear();
    if (answer.ok && method === "POST" && seats.length > 0) {
      // So that the seats are one's own at once; the servers are asked all the same.
      const what = answer.body.until_ms ? "hold" : "booking";
      this.own.set({ ...this.own, [what]: { count: seats.length, ...answer.body }, ...(where.endsWith("/confirm") ? { hold: null } : {}) });
    }
    if (answer.status === 409 && body && body.seats) this.choice.lose(seats);
    this.show();
    await this.own.refresh(this.signal);
    this.isBusy = false;
    this.root.removeAttribute("aria-busy");
    this.settle();
    this.show();
  }

  show() {
    const { map, choice, own } = this;
    const hadFocus = [this.root, this.actions].some((part) => part.contains(document.activeElement));
    this.free.textContent = map.capacity ? this.summary() : "";
    this.picked.textContent = choice.picked.size > 0 ? "Picked: " + seatText(choice.picked) + "." : "Nothing is picked.";
    for (const button of [this.book, this.hold]) button.setAttribute("aria-disabled", String(choice.picked.size === 0));
    this.clear.hidden = choice.picked.size === 0 && choice.lost.size === 0;
    this.conflict.hidden = choice.lost.size === 0;
    this.lost.textContent = "Lost to somebody else: " + seatText(choice.lost) + ".";
    this.join.hidden = !this.event || own.place !== null || !map.capacity || map.left >= this.wanted();
    this.panel.show();
    this.board.update();
    // What had the focus may be hidden now.
    const at = document.activeElement;
    if (hadFocus && (at === document.body || at.closest("[hidden]"))) this.book.focus({ preventScroll: true });
  }

  summary() {
    const { capacity, left, held, waiting } = this.map;
    const also = [held && count(held) + " held", waiting && plural(waiting, "person waits", "people wait")].filter(Boolean);
    return count(left) + " of " + count(capacity) + " seats are free" + also.map((words) => ", " + words).join("") + ".";
  }

  // Reads out now and then how many seats are left, never each of them.
  tellLater() {
    if (this.toldLater) return;
    this.toldLater = setTimeout(() => {
      this.toldLater = 0;
      this.toldAt = performance.now();
      this.heard.textContent = this.summary();
    }, Math.max(1000, this.toldAt + TOLD_MS - performance.now()));
  }
}
