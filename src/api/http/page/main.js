// The address after `#` says what is shown.

let shown = new AbortController();

function route() {
  shown.abort();
  shown = new AbortController();
  const parts = location.hash.replace(/^#\/?/, "").split("/").map((part) => {
    try { return decodeURIComponent(part); } catch { return part; }
  });
  const name = views[parts[0]] ? parts[0] : "events";
  for (const link of document.querySelectorAll("nav a")) {
    const current = link.getAttribute("href") === "#/" + name || (name === "event" && link.getAttribute("href") === "#/events");
    if (current) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  const root = h("div", { class: "view " + name });
  byId("main").replaceChildren(root);
  views[name].show(root, parts.slice(1), shown.signal);
}

byId("who").value = kept.get("who");
byId("who").addEventListener("change", () => { kept.set("who", who()); route(); });
byId("token").addEventListener("change", route);
byId("me").addEventListener("submit", (event) => event.preventDefault());
document.querySelector(".skip").addEventListener("click", (event) => { event.preventDefault(); byId("main").focus(); });
addEventListener("hashchange", () => { say(""); route(); byId("main").focus(); });

if (location.protocol === "file:") {
  // A kept copy: there is nobody to ask, a recorded run can be looked at.
  location.hash = "#/cluster";
  route();
} else {
  learn().then((status) => {
    if (net.cluster) {
      byId("name").textContent = net.cluster;
      document.title = net.cluster;
    }
    if (!status.ok) say(status.body.detail, "error");
    route();
  });
}
