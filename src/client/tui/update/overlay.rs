//! Lines that are typed and questions that are answered with yes or no.

use super::super::input::{Asks, FORM_FIELDS, Field, Form, Overlay, Wish};
use super::super::state::*;
use super::{command, events, seats};
use crate::client::{
    args::{Ask, PromptAction, PromptLine},
    events::{args::EventAsk, args::actor, wanted},
    values,
};
use crate::domain::events::ids::Uuid;
use clap::Parser as _;
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// A key while something lies over the screen.
pub fn press(state: &mut State, overlay: Overlay, key: KeyEvent, effects: &mut Vec<Effect>) {
    match overlay {
        Overlay::Help => {}
        Overlay::Tickets(tickets) => seats::press_tickets(state, tickets, key),
        Overlay::Confirm { intent, question } => match key.code {
            KeyCode::Char('y' | 'Y') => match intent {
                Some(intent) => seats::act(state, intent, effects),
                None => effects.push(Effect::Leave { is_unknown: state.waiting.is_some() }),
            },
            KeyCode::Char('n' | 'N') | KeyCode::Esc => {}
            _ => state.overlay = Some(Overlay::Confirm { intent, question }),
        },
        Overlay::Input { asks, mut field, wrong } => match key.code {
            KeyCode::Esc => {}
            KeyCode::Enter => {
                if let Err(wrong) = typed(state, asks.clone(), field.text.trim(), effects) {
                    state.overlay = Some(Overlay::Input { asks, field, wrong: Some(wrong) });
                }
            }
            _ => {
                let wrong = if edit(&mut field, key) { None } else { wrong };
                state.overlay = Some(Overlay::Input { asks, field, wrong });
            }
        },
    }
}

/// Whether the key changed the line.
fn edit(field: &mut Field, key: KeyEvent) -> bool {
    match key.code {
        KeyCode::Char('u') if key.modifiers.contains(KeyModifiers::CONTROL) => field.text.clear(),
        KeyCode::Char(c) if !key.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT) => {
            field.push(c);
        }
        KeyCode::Backspace => {
            field.text.pop();
        }
        _ => return false,
    }
    true
}

/// A line is complete. What is wrong with it is said in the words of the command line.
fn typed(state: &mut State, asks: Asks, text: &str, effects: &mut Vec<Effect>) -> Result<(), String> {
    match asks {
        Asks::Who(intent) => {
            let who = actor(text)?;
            if state.who.as_ref() != Some(&who) {
                state.who = Some(who);
                state.bookings = Bookings::default();
                state.log.user = None;
                if let Some(seats) = &mut state.seats {
                    seats.mine = Mine::NotKnown;
                }
            }
            if let Some(intent) = intent {
                seats::act(state, intent, effects);
            }
        }
        Asks::Count => {
            let count = values::count(text)?;
            seats::wish(state, Wish::BookCount(count), effects);
        }
        Asks::Best => {
            let count = values::count(text)?;
            seats::wish(state, Wish::BookBest(count), effects);
        }
        Asks::Join => {
            let count = values::count(text)?;
            seats::wish(state, Wish::Join(count), effects);
        }
        Asks::Seat => {
            let seat = values::count(text).map_err(|_| "type the number of a seat".to_owned())?;
            if let Some(seats) = &mut state.seats {
                seats.cursor = seat;
            }
        }
        Asks::Filter => events::filter(state, text, effects),
    }
    Ok(())
}

/// A key while the form for a new event is seen; whether it meant something to the form.
pub fn press_form(state: &mut State, key: KeyEvent, effects: &mut Vec<Effect>) -> bool {
    let form = &mut state.form;
    let last = FORM_FIELDS.len() - 1;
    match key.code {
        KeyCode::Tab | KeyCode::Down => form.at = if form.at == last { 0 } else { form.at + 1 },
        KeyCode::BackTab | KeyCode::Up => form.at = if form.at == 0 { last } else { form.at - 1 },
        KeyCode::Enter => submit(state, effects),
        _ => {
            let is_edit = edit(&mut form.fields[form.at], key);
            if is_edit {
                form.wrong = None;
            }
            return is_edit;
        }
    }
    true
}

/// Asks for the event. The form is checked by what checks the command line.
fn submit(state: &mut State, effects: &mut Vec<Effect>) {
    let result =
        PromptLine::try_parse_from(state.form.words()).map_err(|error| complaint(&error.to_string()));
    let ask = result.map(|line| match line.action {
        PromptAction::Ask(Ask::Events(EventAsk::AddEvent(args))) => args,
        PromptAction::Ask(_) | PromptAction::Help { .. } | PromptAction::Quit => {
            unreachable!("the line is one of add-event")
        }
    });
    let uuid = Uuid(uuid_bits(state.chance.u128(..)).to_be_bytes());
    match ask.and_then(|args| wanted(EventAsk::AddEvent(args), state.who.as_ref(), || uuid)) {
        Ok(wanted) => {
            let Form { fields: [kind, ..], .. } = &state.form;
            let words = format!("Adding an event of {}", kind.text.trim());
            command(state, words, wanted, effects);
        }
        Err(words) => state.form.wrong = Some(words),
    }
}

/// Random bits as an id of version 4.
fn uuid_bits(bits: u128) -> u128 {
    bits & !(0xf << 76 | 0b11 << 62) | 4 << 76 | 0b10 << 62
}

/// What is wrong, without how the command line is used.
fn complaint(error: &str) -> String {
    let text = error.strip_prefix("error: ").unwrap_or(error);
    let lines = text.lines().take_while(|line| !line.trim().is_empty()).map(str::trim);
    let text = lines.collect::<Vec<_>>().join(" ");
    // The field is seen beside what is wrong with it; its name on the command line says nothing here.
    let value = text.strip_prefix("invalid value '").and_then(|rest| rest.split_once("' for '"));
    match value.and_then(|(value, rest)| Some((value, rest.split_once("': ")?.1))) {
        Some(("", why)) => why.to_owned(),
        Some((value, why)) => format!("{value}: {why}"),
        None => text,
    }
}
