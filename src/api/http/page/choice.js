
// What somebody has picked of an event, and what others took of it. It outlives a view, a server and a connection.

class Choice {
  constructor() {
    this.picked = new Set();
    this.lost = new Set();
  }

  clear() {
    this.picked.clear();
    this.lost.clear();
  }

  // Seats that were picked went to somebody else.
  lose(seats) {
    for (const seat of seats) {
      if (this.picked.delete(seat)) this.lost.add(seat);
    }
  }

  // As many free seats as were lost, near to what was picked: first beside those that are still picked.
  takeNearest(isFree, capacity) {
    const lost = [...this.lost];
    const anchors = [...this.picked, ...lost];
    const wanted = lost.length;
    const away = (seat) => Math.min(...lost.map((one) => Math.abs(one - seat)));
    this.lost.clear();
    const taken = [];
    const isOpen = (seat) => seat >= 1 && seat <= capacity && !this.picked.has(seat) && isFree(seat);
    while (taken.length < wanted) {
      const beside = [...this.picked].flatMap((seat) => [seat - 1, seat + 1]).filter(isOpen).sort((a, b) => away(a) - away(b));
      const seat = beside[0] || nearest(anchors, isOpen, capacity);
      if (!seat) break;
      this.picked.add(seat);
      taken.push(seat);
    }
    return taken;
  }
}

function nearest(anchors, isOpen, capacity) {
  for (let distance = 1; distance < capacity; distance += 1) {
    const found = anchors.flatMap((seat) => [seat - distance, seat + distance]).find(isOpen);
    if (found) return found;
  }
  return null;
}

const choices = new Map();
function choiceOf(key) {
  if (!choices.has(key)) choices.set(key, new Choice());
  return choices.get(key);
}

// The seats of an event as the servers tell them.
class SeatMap {
  constructor() {
    Object.assign(this, { capacity: 0, left: 0, held: 0, waiting: 0, taken: new Uint8Array(0) });
  }

  reset(data) {
    this.taken = new Uint8Array(data.capacity + 1);
    this.numbers(data);
    this.mark(data.taken, 1);
  }

  change(data) {
    if (data.capacity && data.capacity !== this.capacity) {
      const before = this.taken;
      this.taken = new Uint8Array(data.capacity + 1);
      this.taken.set(before.subarray(0, this.taken.length));
    }
    this.numbers(data);
    this.mark(data.freed, 0);
    this.mark(data.taken, 1);
  }

  numbers({ capacity, left, held, waiting }) {
    Object.assign(this, { left, held: held || 0, waiting: waiting || 0 });
    if (capacity) this.capacity = capacity;
  }

  mark(runs, value) {
    for (const [first, last] of runs) this.taken.fill(value, first, last + 1);
  }

  isTaken(seat) {
    return this.taken[seat] === 1;
  }
}

const touches = (runs, seats) => runs.some(([first, last]) => [...seats].some((seat) => seat >= first && seat <= last));
