//! What storage promises, as facts.
