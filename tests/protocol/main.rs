//! The engine, worked by hand: transcripts to read (`transcripts/`), and the scenarios that broke earlier drafts of the
//! protocol (`scenarios/`), numbered as on its page.

mod disk;
mod links;
mod script;
mod transcripts;
mod words;
mod world;
