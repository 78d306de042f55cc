//! The judge of histories, judged: histories made by hand, right and wrong; ones made from runs of the shipping
//! state machine, right and spoilt; and a checker that tries every order, with which it must agree.

mod brute;
mod builder;
mod generate;
mod generated;
mod handmade;
mod words;
