//! The engine, worked by hand: transcripts to read (`transcripts/`), and the scenarios that broke earlier drafts of the
//! protocol (`scenarios/`), numbered as on its page.

mod disk;
mod expect;
mod links;
mod scenarios;
mod script;
mod transcripts;
mod words;
mod world;
