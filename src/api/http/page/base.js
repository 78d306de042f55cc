// What all parts use: elements, words, who acts. Text from elsewhere becomes text, never markup.

const RUNS_SHOWN = 40;

// Views by the first word of the address: `show(root, parts, signal)` draws into `root` until `signal` aborts.
const views = {};

// Makes an element. Attributes that are null, undefined or false are left out; `on` has its listeners.
function h(name, attributes, ...children) {
  const element = name.startsWith("svg:")
    ? document.createElementNS("http:" + "//www.w3.org/2000/svg", name.slice(4))
    : document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) {
    if (key === "on") {
      for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
    } else if (value === true) {
      element.setAttribute(key, "");
    } else if (value !== null && value !== undefined && value !== false) {
      element.setAttribute(key, value);
    }
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

const byId = (id) => document.getElementById(id);

// What is kept in this browser, where it may keep anything.
const kept = {
  get: (key) => { try { return localStorage.getItem("boxoffice." + key) || ""; } catch { return ""; } },
  set: (key, value) => { try { localStorage.setItem("boxoffice." + key, value); } catch { /* it forgets */ } },
};

// Who acts: a name, or an id such as TORC2345.
const who = () => byId("who").value.trim();

// The line that says what became of the last action. `kind` is done, refused, error, unknown, busy or note.
let busySince = null;
function say(words, kind = "done", ...buttons) {
  clearInterval(busySince);
  const line = byId("said");
  const mark = { done: "✓", refused: "✗", error: "!", unknown: "?", busy: "…", note: "" }[kind];
  // Not read out each second.
  const time = h("span", { class: "time", "aria-hidden": "true" });
  line.dataset.kind = kind;
  line.replaceChildren(h("span", { class: "mark", "aria-hidden": "true" }, words ? mark : ""), " ", words, time, " ", ...buttons);
  if (kind === "busy") {
    const began = performance.now();
    busySince = setInterval(() => {
      const seconds = Math.floor((performance.now() - began) / 1000);
      if (seconds > 0) time.textContent = " " + seconds + " s";
    }, 250);
  }
}

// What is being done, or nobody knows, stays to be read.
const isSaidToStay = () => ["busy", "unknown"].includes(byId("said").dataset.kind);

const plural = (count, one, many = one + "s") => count + " " + (count === 1 ? one : many);
const path = (...parts) => "/" + parts.map(encodeURIComponent).join("/");

// A key for one command. Random enough, and also where the page came over plain HTTP from elsewhere.
const newKey = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");

// Seats as people write them: 1–3, 7. Long lists end with how many there are.
function seatText(seats) {
  const runs = [];
  for (const seat of [...seats].sort((a, b) => a - b)) {
    const last = runs[runs.length - 1];
    if (last && last[1] === seat - 1) last[1] = seat;
    else runs.push([seat, seat]);
  }
  const text = runs.slice(0, RUNS_SHOWN).map(([a, b]) => (a === b ? String(a) : a + (b === a + 1 ? ", " : "–") + b)).join(", ");
  return runs.length > RUNS_SHOWN ? text + ", …" : text;
}

// What an event is called in words: its id and kind; the theatre has neither.
const named = ({ id, kind }) => (id ? id + " (" + kind + ")" : "theatre");
const SLOTS = { M: "morning", A: "afternoon", E: "evening" };
const slotOf = ({ event, time }) => time || SLOTS[event.id[3]] || "";
const count = (number) => number.toLocaleString("en");

// m:ss until a time; the servers' clock is taken to be this machine's, the servers decide.
function timeLeft(untilMs) {
  const seconds = Math.max(0, Math.ceil((untilMs - Date.now()) / 1000));
  return Math.floor(seconds / 60) + ":" + String(seconds % 60).padStart(2, "0");
}

