//! The calls of one event and the moments at which they begin and end, in order.

use super::history::{Ask, Call, Reply};

/// A call as the search sees it.
#[derive(Debug)]
pub(super) struct Task<'a> {
    /// Its place in the history.
    pub(super) index: usize,
    pub(super) ask: &'a Ask,
    /// What it was told; `None` is unknown.
    pub(super) told: Option<&'a Reply>,
    /// Its place among the ends; those that never end have none.
    pub(super) end: Option<usize>,
}

/// One of the two moments of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moment {
    Call(usize),
    Return(usize),
}

/// All of one event.
#[derive(Debug)]
pub(super) struct Schedule<'a> {
    pub(super) tasks: Vec<Task<'a>>,
    pub(super) moments: Vec<Moment>,
}

impl<'a> Schedule<'a> {
    /// Of the calls at these places in the history. What happens at the same time happens at once: calls come
    /// before returns.
    pub(super) fn new(history: &'a [Call], places: &[usize]) -> Schedule<'a> {
        let mut tasks = Vec::new();
        let mut times: Vec<(u64, Moment)> = Vec::new();
        for &index in places {
            let Call { ask, call_ns, end, .. } = &history[index];
            if end.is_none() && ask.is_query() {
                // A question without an answer says nothing.
                continue;
            }
            let task = tasks.len();
            times.push((*call_ns, Moment::Call(task)));
            times.extend(end.as_ref().map(|end| (end.return_ns, Moment::Return(task))));
            tasks.push(Task { index, ask, told: end.as_ref().map(|end| &end.reply), end: None });
        }
        times.sort_by_key(|&(time, moment)| (time, matches!(moment, Moment::Return(_))));
        let moments: Vec<Moment> = times.into_iter().map(|(_, moment)| moment).collect();
        for (at, moment) in moments.iter().enumerate() {
            if let Moment::Return(task) = moment {
                tasks[*task].end = Some(at);
            }
        }
        Schedule { tasks, moments }
    }
}
