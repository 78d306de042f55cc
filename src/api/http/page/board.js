
// The seats as a grid for eyes and keys, and as a list. Only one block of a large event is drawn.

const WHOLE_SEATS = 400; // that are drawn as one
const BLOCK_SEATS = 200; // of a larger event; a whole number of rows of each width
const COLUMNS = [20, 10, 8, 5, 4];
const AISLE_AFTER = 10; // seats, in the widest rows
const SEAT_PX = { fine: 34, coarse: 44 };
const GAP_PX = 3;
const WORDS = { free: "free", taken: "taken", picked: "picked", yours: "yours", held: "held for you", lost: "lost" };

class Board {
  // `stateOf(seat)` says how a seat is, `toggle(seat)` is what a press does, `isTaken(seat)` looks beyond the block.
  constructor({ title, stateOf, isTaken, toggle, signal }) {
    Object.assign(this, { stateOf, isTaken, toggle, capacity: 0, first: 1, columns: 0, here: 1, asList: false, seats: [] });
    this.grid = h("div", { role: "grid", "aria-multiselectable": "true", "aria-label": "Seats of " + title, on: {
      keydown: (event) => this.key(event),
      click: (event) => this.press(event),
      focusin: (event) => { if (event.target.dataset.seat) this.walk(Number(event.target.dataset.seat)); },
    } });
    this.list = h("ul", { class: "seats", hidden: true, "aria-label": "List of seats", on: { change: (event) => this.press(event) } });
    this.where = h("span", { class: "where", "aria-live": "polite" });
    this.goto = h("input", { type: "number", min: 1, inputmode: "numeric", "aria-label": "Go to seat", placeholder: "Seat" });
    this.blocks = h("form", { class: "blocks", hidden: true, "aria-label": "Blocks of seats", on: { submit: (event) => {
      event.preventDefault();
      if (this.goto.value) this.show(Number(this.goto.value), true);
    } } },
      this.turn("Previous", -1), this.where, this.turn("Next", 1), this.goto, h("button", null, "Go"),
      h("button", { type: "button", on: { click: () => this.nextFree() } }, "Next free"));
    this.switch = h("button", { type: "button", "aria-pressed": "false", on: { click: () => this.change() } }, "List");
    const legend = h("ul", { class: "legend", "aria-label": "What the marks mean" },
      Object.entries(WORDS).map(([state, word]) => h("li", null, h("span", { class: "seat " + state, "aria-hidden": "true" }), word)));
    this.root = h("div", { class: "board" }, h("div", { class: "above" }, legend, this.switch), this.blocks, this.grid, this.list);
    const coarse = matchMedia("(pointer: coarse)");
    const resize = new ResizeObserver(() => this.fit());
    this.minPx = () => (coarse.matches ? SEAT_PX.coarse : SEAT_PX.fine);
    resize.observe(this.root);
    signal.addEventListener("abort", () => resize.disconnect());
  }

  turn(word, by) {
    return h("button", { type: "button", on: { click: () => this.show(this.first + by * this.size(), false) } }, word);
  }

  size() { return this.capacity > WHOLE_SEATS ? BLOCK_SEATS : WHOLE_SEATS; }
  last() { return Math.min(this.first + this.size() - 1, this.capacity); }

  // So many columns as there is room for.
  fit() {
    const room = this.root.clientWidth;
    const columns = COLUMNS.find((number) => number * (this.minPx() + GAP_PX) - GAP_PX <= room) || COLUMNS[COLUMNS.length - 1];
    if (room === 0 || columns === this.columns) return;
    this.columns = columns;
    this.draw();
  }

  // The event has so many seats now.
  reset(capacity) {
    if (capacity !== this.capacity) {
      this.capacity = capacity;
      this.here = Math.min(Math.max(this.here, 1), capacity);
      this.first = this.here - ((this.here - 1) % this.size());
      this.goto.max = capacity;
      this.draw();
    } else this.update();
  }

  // Draws the block. The seat that had the focus has it again.
  draw() {
    if (this.capacity === 0 || this.columns === 0) return;
    const hadFocus = this.grid.contains(document.activeElement) || this.list.contains(document.activeElement);
    this.blocks.hidden = this.capacity <= WHOLE_SEATS;
    this.where.textContent = "Seats " + count(this.first) + " to " + count(this.last()) + " of " + count(this.capacity);
    this.seats = [];
    const rows = [];
    if (this.asList) this.list.replaceChildren(...this.numbers().map((seat) => this.entry(seat)));
    else {
      for (const seat of this.numbers()) {
        if ((seat - this.first) % this.columns === 0) {
          rows.push(h("div", { role: "row", class: "row c" + this.columns, "aria-rowindex": Math.floor((seat - 1) / this.columns) + 1 }));
        }
        this.seats[seat - this.first] = h("button", { type: "button", role: "gridcell", class: "seat", "data-seat": seat, tabindex: -1 }, String(seat));
        rows[rows.length - 1].append(this.seats[seat - this.first]);
      }
      this.grid.setAttribute("aria-rowcount", Math.ceil(this.capacity / this.columns));
      this.grid.setAttribute("aria-colcount", this.columns);
      this.grid.replaceChildren(...rows);
    }
    (this.asList ? this.grid : this.list).replaceChildren();
    this.grid.hidden = this.asList;
    this.list.hidden = !this.asList;
    this.update();
    if (this.here < this.first || this.here > this.last()) this.here = this.first;
    this.walk(this.here);
    if (hadFocus) this.seats[this.here - this.first].focus();
  }

  numbers() {
    return Array.from({ length: this.last() - this.first + 1 }, (_, n) => this.first + n);
  }

  entry(seat) {
    const word = h("span", { class: "word", id: "word-" + seat });
    const box = h("input", { type: "checkbox", "data-seat": seat, "aria-describedby": "word-" + seat });
    this.seats[seat - this.first] = box;
    return h("li", null, h("label", null, box, " Seat " + seat), word);
  }

  // Says of each seat of the block how it is; touches those only that changed.
  update() {
    for (const [index, element] of this.seats.entries()) {
      const seat = this.first + index;
      const state = this.stateOf(seat);
      if (element.dataset.state === state) {
        if (this.asList) element.checked = state === "picked";
        continue;
      }
      element.dataset.state = state;
      // Not `disabled`, which would take the focus away from under somebody.
      element.setAttribute("aria-disabled", String(state !== "free" && state !== "picked"));
      if (this.asList) {
        element.checked = state === "picked";
        const word = element.closest("li").lastChild;
        word.className = "word of-" + state;
        word.textContent = state === "free" ? "" : WORDS[state];
      } else {
        element.className = "seat " + state;
        element.setAttribute("aria-label", "Seat " + seat + ", " + WORDS[state]);
        element.setAttribute("aria-selected", String(state === "picked"));
      }
    }
  }

  // One seat is what Tab stops at.
  walk(seat) {
    const before = this.seats[this.here - this.first];
    if (before && !this.asList) before.tabIndex = -1;
    this.here = seat;
    const now = this.seats[seat - this.first];
    if (now && !this.asList) now.tabIndex = 0;
  }

  // Shows the block of a seat.
  show(seat, focus) {
    const wanted = Math.min(Math.max(Math.trunc(seat) || 1, 1), this.capacity);
    const first = wanted - ((wanted - 1) % this.size());
    if (first !== this.first) {
      this.here = wanted;
      this.first = first;
      this.draw();
    } else this.walk(wanted);
    const element = this.seats[wanted - this.first];
    if (focus && element) {
      element.focus();
      element.scrollIntoView({ block: "nearest" });
    }
  }

  nextFree() {
    for (let step = 1; step <= this.capacity; step += 1) {
      const seat = ((this.here - 1 + step) % this.capacity) + 1;
      if (!this.isTaken(seat) && this.stateOf(seat) === "free") return this.show(seat, true);
    }
    say("No seat is free.", "refused");
  }

  change() {
    this.asList = !this.asList;
    this.switch.setAttribute("aria-pressed", String(this.asList));
    this.draw();
  }

  press(event) {
    const element = event.target.closest("[data-seat]");
    if (element) this.toggle(Number(element.dataset.seat));
  }

  key(event) {
    if (event.altKey || event.metaKey || (event.ctrlKey && !["Home", "End"].includes(event.key))) return;
    const { here, columns, capacity } = this;
    const start = here - ((here - this.first) % columns);
    const far = { PageUp: -5, PageDown: 5 }[event.key] * columns;
    const to = {
      ArrowLeft: here - 1, ArrowRight: here + 1,
      ArrowUp: here - columns, ArrowDown: here + columns,
      Home: event.ctrlKey ? 1 : start, End: event.ctrlKey ? capacity : Math.min(start + columns - 1, capacity),
      PageUp: here + far < 1 ? 1 + ((here - 1) % columns) : here + far,
      PageDown: here + far > capacity ? capacity : here + far,
    }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    if (to >= 1 && to <= capacity) this.show(to, true);
  }
}
