//! The list of events, page by page, and what one has of them.

use super::super::state::*;
use super::ask;
use crate::client::events::question;
use crate::client::exchange::Wanted;
use crate::domain::{
    command::Query,
    events::{answer::EventView, command::Filter, command::Question, ids::EventKey},
};

/// Asks for the list from its beginning.
pub fn load(state: &mut State, effects: &mut Vec<Effect>) {
    state.events.generation += 1;
    state.events.pages.clear();
    state.events.more = None;
    arrange(state, None);
    ask_page(state, None, effects);
}

/// Another filter. A word of three capital letters is a branch and a date means that day or later, which the servers look
/// for; other words are looked for here, in what is loaded.
pub fn filter(state: &mut State, text: &str, effects: &mut Vec<Effect>) {
    let mut asked = Filter::default();
    let mut words = Vec::new();
    for word in text.split_whitespace() {
        if let Ok(branch) = word.parse() {
            asked.branch = Some(branch);
        } else if let Ok(date) = word.parse() {
            asked.from = Some(date);
        } else {
            words.push(word.to_lowercase());
        }
    }
    let list = &mut state.events;
    list.filter = text.trim().to_owned();
    list.words = words;
    list.asked = asked;
    list.place = Place::default();
    list.sought = None;
    load(state, effects);
}

fn ask_page(state: &mut State, after: Option<EventKey>, effects: &mut Vec<Effect>) {
    let filter = state.events.asked.clone();
    let asked = Question::Events { filter, after: after.clone(), limit: EVENTS_PAGE };
    let generation = state.events.generation;
    ask(state, Purpose::Page { after, generation }, question(state.who.as_ref(), asked), effects);
}

/// A page has come: for the first time, or anew.
pub fn page(
    state: &mut State,
    after: Option<EventKey>,
    generation: u64,
    events: Vec<EventView>,
    more: Option<EventKey>,
) {
    if generation != state.events.generation {
        return;
    }
    let sought = state.events.sought.take().map(Some);
    let chosen = sought.or_else(|| chosen(state).map(|view| view.map(|view| view.event.clone())));
    let list = &mut state.events;
    match list.pages.iter().position(|page| page.after == after) {
        Some(at) => {
            list.pages[at].events = events;
            let next = list.pages.get(at + 1).map_or(&list.more, |page| &page.after);
            if *next != more {
                // Something was added or removed: what comes after is asked for again when it is needed.
                list.pages.truncate(at + 1);
                list.more = more;
            }
        }
        None if list.pages.is_empty() && after.is_none() || !list.pages.is_empty() && after == list.more => {
            list.pages.push(Page { after, events });
            list.more = more;
        }
        // Of a part that is no longer there.
        None => {}
    }
    arrange(state, chosen);
}

/// The event that is chosen; `Some(None)` for the theatre.
pub fn chosen(state: &State) -> Option<Option<&EventView>> {
    state.events.rows.get(state.events.place.at).map(|row| state.event_at(*row))
}

/// Which rows there are, and the chosen event among them.
fn arrange(state: &mut State, chosen: Option<Option<EventKey>>) {
    let list = &mut state.events;
    let fits = |text: &str| {
        let text = text.to_lowercase();
        list.words.iter().all(|word| text.contains(word.as_str()))
    };
    let has_theatre = list.asked == Filter::default() && fits("theatre");
    let mut rows: Vec<Option<(usize, usize)>> = has_theatre.then_some(None).into_iter().collect();
    for (number, page) in list.pages.iter().enumerate() {
        let at = (0..page.events.len()).filter(|&at| fits(&page.events[at].to_string()));
        rows.extend(at.map(|at| Some((number, at))));
    }
    let same = |row: &Option<(usize, usize)>| match (&chosen, row) {
        (Some(None), None) => true,
        (Some(Some(key)), Some((page, at))) => list.pages[*page].events[*at].event == *key,
        (Some(_) | None, _) => false,
    };
    match (rows.iter().position(same), &chosen) {
        (Some(at), _) => list.place.at = at,
        // It may be on the next page.
        (None, Some(Some(key))) if list.more.is_some() => list.sought = Some(key.clone()),
        (None, _) => {}
    }
    list.rows = rows;
}

/// How many events are here, shown or not.
pub fn loaded(list: &EventList) -> usize {
    list.pages.iter().map(|page| page.events.len()).sum()
}

/// Asks for the next page when the rows that are here do not fill the window below the chosen one.
pub fn want_more(state: &mut State, effects: &mut Vec<Effect>) {
    let list = &state.events;
    let (Screen::Events, Some(after)) = (state.screen, &list.more) else { return };
    let rows = super::super::view::list_height(state.size.1);
    let is_asked = state.asked.values().any(|purpose| matches!(purpose, Purpose::Page { .. }));
    if list.place.at + rows >= list.rows.len() && loaded(list) < EVENTS_MAX && !is_asked {
        let after = after.clone();
        ask_page(state, Some(after), effects);
    }
}

/// Asks anew for the page that is seen, and for the theatre.
pub fn refresh(state: &mut State, effects: &mut Vec<Effect>) {
    let seen = state.events.rows.get(state.events.place.first..).unwrap_or_default();
    let page = seen.iter().flatten().next().map_or(0, |(page, _)| *page);
    let after = state.events.pages.get(page).and_then(|page| page.after.clone());
    ask_page(state, after, effects);
    ask(state, Purpose::Theatre, Wanted::Query(Query::Seats), effects);
}

/// Asks anew for what one has.
pub fn refresh_bookings(state: &mut State, effects: &mut Vec<Effect>) {
    let (Some(who), Some(name)) = (state.who.clone(), state.name()) else { return };
    let asked = Question::Schedule { holder: who.clone(), after: None, limit: SCHEDULE_LEN };
    ask(state, Purpose::Schedule(who.clone()), question(Some(&who), asked), effects);
    ask(state, Purpose::Search(who), Wanted::Query(Query::Search { name }), effects);
}
