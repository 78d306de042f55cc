//! The lists of the configuration: branches with their theatres, and kinds of events.

use super::error::Problem;
use crate::domain::events::config::{BRANCHES_MAX, Branch, KINDS_MAX, THEATRES_MAX};
use crate::domain::events::ids::{BranchCode, Kind};
use crate::domain::ids::Name;
use std::collections::{BTreeMap, BTreeSet};

/// Each of its parts checked, ascending by code. A branch without a name is called by its code.
pub(super) fn branches(
    raw: impl ExactSizeIterator<Item = (String, Option<String>, Vec<String>)>,
) -> Result<Vec<(BranchCode, Branch)>, Problem> {
    is_short("branches", raw.len(), BRANCHES_MAX)?;
    let mut branches = BTreeMap::new();
    for (code, name, theatres) in raw {
        let problem = |why: String| Problem::List { key: "branches", value: code.clone(), why };
        is_short("branches", theatres.len(), THEATRES_MAX)?;
        let branch: BranchCode =
            code.parse().map_err(|why: crate::domain::events::ids::IdError| problem(why.to_string()))?;
        let name = parse("branches", name.as_ref().unwrap_or(&code))?;
        let mut own = BTreeSet::new();
        for theatre in &theatres {
            if !own.insert(parse::<Name>("branches", theatre)?) {
                return Err(twice("branches", theatre));
            }
        }
        let theatres = own.into_iter().collect();
        if branches.insert(branch, Branch { name, theatres }).is_some() {
            return Err(twice("branches", &code));
        }
    }
    Ok(branches.into_iter().collect())
}

/// Each checked, in the order in which they are written.
pub(super) fn kinds(raw: Vec<String>) -> Result<Vec<Kind>, Problem> {
    is_short("kinds", raw.len(), KINDS_MAX)?;
    let mut kinds: Vec<Kind> = Vec::new();
    for text in raw {
        let kind = parse("kinds", &text)?;
        if kinds.contains(&kind) {
            return Err(twice("kinds", &text));
        }
        kinds.push(kind);
    }
    Ok(kinds)
}

fn parse<T: std::str::FromStr<Err: ToString>>(key: &'static str, text: &str) -> Result<T, Problem> {
    text.parse().map_err(|why: T::Err| Problem::List { key, value: text.to_owned(), why: why.to_string() })
}

fn twice(key: &'static str, value: &str) -> Problem {
    Problem::List { key, value: value.to_owned(), why: "it is there already".to_owned() }
}

fn is_short(key: &'static str, len: usize, max: usize) -> Result<(), Problem> {
    if len <= max {
        return Ok(());
    }
    let why = format!("there can be {max} at most");
    Err(Problem::List { key, value: format!("{len} entries"), why })
}
