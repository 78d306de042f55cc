// The seats of one event.
views.event = { show(root) { root.append(h("h2", null, "Seats")); } };

