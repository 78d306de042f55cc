// The list of events.
views.events = {
  async show(root, _parts, _signal) {
    root.append(h("h2", null, "Events"));
  },
};

