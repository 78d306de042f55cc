//! Rows as lines of text of a given width. Everything is in ASCII.
//!
//! Where there is room, messages are named on their arrows. With more servers, or in a narrow window, the lines of the
//! servers stand closer together and the names stand in a column of their own at the right. In a very narrow one only
//! that column is left.

use super::lines::Canvas;
use super::rows::{Diagram, Mark, Part, Row};

/// Columns of the time, with a blank behind it.
const TIME: usize = 10;
/// Least and most columns from one server's line to the next one where names are on the arrows.
const WIDE: (usize, usize) = (16, 32);
/// The same where names are at the right.
const CLOSE: (usize, usize) = (3, 10);
/// Least columns of the names at the right.
const NAMES_MIN: usize = 17;
/// What an arrow needs beside its name.
const ARROW: usize = 7;

/// How much a line matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    /// A message.
    Plain,
    /// The critical section, a view.
    Strong,
    /// Something that went wrong.
    Bad,
    /// Nothing happened.
    Quiet,
}

/// Where everything stands.
#[derive(Clone, Debug)]
pub struct Layout {
    /// Servers and the columns of their lines.
    lanes: Vec<(u8, usize)>,
    spacing: usize,
    /// Where names stand; on the arrows if nowhere.
    names: Option<usize>,
    width: usize,
    /// Where time begins.
    base_us: u64,
}

impl Layout {
    /// For these servers, in this order.
    pub fn new(diagram: &Diagram, servers: &[u8], width: usize, base_us: u64) -> Layout {
        let count = servers.len().max(1);
        let rows = diagram.rows.iter();
        let longest = rows.clone().map(|row| label_of(&row.mark).len()).max().unwrap_or(0);
        let wide = width.saturating_sub(TIME) / count;
        let (spacing, names) = if wide >= WIDE.0.max(longest + ARROW) {
            (wide.min(WIDE.1), None)
        } else {
            let longest = rows.map(|row| words(&row.mark).len()).max().unwrap_or(0);
            let names = longest.clamp(NAMES_MIN, (width * 2 / 5).max(NAMES_MIN));
            let close = (width.saturating_sub(TIME + 1 + names) / count).min(CLOSE.1);
            let spacing = if close < CLOSE.0 { 0 } else { close };
            (spacing, Some(TIME + if spacing == 0 { 0 } else { spacing * count + 1 }))
        };
        let lane = |(nth, &server): (usize, &u8)| (server, TIME + spacing * nth + spacing / 2);
        let lanes = if spacing == 0 { Vec::new() } else { servers.iter().enumerate().map(lane).collect() };
        Layout { lanes, spacing, names, width, base_us }
    }

    /// What stands above.
    pub fn head(&self) -> String {
        let mut canvas = Canvas::new(self.width);
        canvas.put_right(TIME - 1, "ms");
        for &(server, x) in &self.lanes {
            let name = if self.names.is_none() { format!("server {server}") } else { server.to_string() };
            canvas.put_around(x, &name);
        }
        canvas.finish()
    }

    /// A row, and how much it matters.
    pub fn line(&self, row: &Row) -> (String, Weight) {
        let mut canvas = Canvas::new(self.width);
        let is_gap = matches!(row.mark, Mark::Gap(_));
        for (server, x) in &self.lanes {
            if !row.gone.contains(server) {
                canvas.set(*x, if is_gap { '.' } else { '|' });
            }
        }
        if !is_gap {
            canvas.put_right(TIME - 1, &millis(row.at_us.saturating_sub(self.base_us)));
        }
        self.draw(&mut canvas, &row.mark);
        if let Some(x) = self.names {
            canvas.put(x, &words(&row.mark));
        }
        let weight = match &row.mark {
            Mark::Arrow { part: Part::NotSeenToArrive | Part::NotSeenToBeSent, .. } => Weight::Quiet,
            Mark::Arrow { part: Part::Whole | Part::Start | Part::End, .. } => Weight::Plain,
            Mark::Bar { .. } | Mark::View { .. } | Mark::StartedAgain(_) => Weight::Strong,
            Mark::Suspects { .. } | Mark::Leaves(_) | Mark::Missing { .. } => Weight::Bad,
            Mark::Gap(_) => Weight::Quiet,
        };
        (canvas.finish(), weight)
    }

    fn lane(&self, server: u8) -> Option<usize> {
        self.lanes.iter().find(|(id, _)| *id == server).map(|(_, x)| *x)
    }

    fn draw(&self, canvas: &mut Canvas, mark: &Mark) {
        let is_named = self.names.is_none();
        match mark {
            Mark::Arrow { from, to, label, part } => {
                let label = if is_named { label.as_str() } else { "" };
                self.arrow(canvas, (self.lane(*from), self.lane(*to)), label, *part);
            }
            Mark::Bar { server, position, commands, is_own } => {
                let Some(x) = self.lane(*server) else { return };
                let sign = if *is_own { "#" } else { "=" };
                let (two, all) = (sign.repeat(2), commands_words(*commands));
                let forms = [
                    format!("[{two} {position}: {all} {two}]"),
                    format!("[{sign} {position}: {commands} {sign}]"),
                    format!("[{position}{sign}]"),
                    format!("[{two}]"),
                    format!("[{sign}]"),
                ];
                // Where names are at the right, the number is there.
                let from = if is_named { 0 } else { 3 };
                let fits = |form: &&String| form.len() < self.spacing;
                canvas.put_around(x, forms[from..].iter().find(fits).map_or(sign, String::as_str));
            }
            Mark::View { server, is_first, .. } => {
                let (Some(x), Some(&(_, last))) = (self.lane(*server), self.lanes.last()) else { return };
                if *is_first {
                    let first = self.lanes[0].1.saturating_sub(self.spacing / 2);
                    let end = self.names.map_or(self.width, |names| names - 1);
                    (first..(last + self.spacing / 2 + 1).min(end)).for_each(|x| canvas.set(x, '='));
                    if is_named {
                        canvas
                            .put_around((first + last + self.spacing / 2) / 2, &format!(" {} ", words(mark)));
                    }
                } else if is_named {
                    canvas.put_around(x, &format!("= {} =", label_of(mark)));
                } else {
                    canvas.put_around(x, "===");
                }
            }
            Mark::Suspects { server, .. } => self.sign(canvas, *server, '!', mark),
            Mark::Leaves(server) => self.sign(canvas, *server, 'x', mark),
            Mark::StartedAgain(server) => self.sign(canvas, *server, '*', mark),
            Mark::Missing { server, .. } => self.sign(canvas, *server, '?', mark),
            Mark::Gap(_) if is_named => {
                let (Some((_, first)), Some((_, last))) = (self.lanes.first(), self.lanes.last()) else {
                    return;
                };
                let middle = if self.lanes.len() == 1 { first + 12 } else { (first + last) / 2 };
                // Between two lines rather than on one.
                let middle = if self.lanes.len() % 2 == 1 && self.lanes.len() > 1 {
                    middle - self.spacing / 2
                } else {
                    middle
                };
                canvas.put_around(middle, &format!(" {} ", words(mark)));
            }
            Mark::Gap(_) => {}
        }
    }

    /// A sign on a server's line, with words beside it where there is room.
    fn sign(&self, canvas: &mut Canvas, server: u8, sign: char, mark: &Mark) {
        let Some(x) = self.lane(server) else { return };
        canvas.set(x, sign);
        if self.names.is_none() {
            let label = label_of(mark);
            let is_room = x + 2 + label.len() <= self.width;
            let start = if is_room { x + 2 } else { x.saturating_sub(label.len() + 1) };
            canvas.put(start, &label);
        }
    }

    fn arrow(&self, canvas: &mut Canvas, ends: (Option<usize>, Option<usize>), label: &str, part: Part) {
        // A server that has no line here is beyond the last one.
        let beyond = self.lanes.last().map_or(TIME, |(_, x)| x + self.spacing).min(self.width);
        let (from, to) = (ends.0.unwrap_or(beyond), ends.1.unwrap_or(beyond));
        if from == to {
            return canvas.set(from, '?');
        }
        let step: isize = if to > from { 1 } else { -1 };
        let steps = from.abs_diff(to) - 1;
        let at = |n: usize| from.saturating_add_signed(step * (n as isize + 1));
        // Halves: as far as the name goes from the end that is here, and no further where the other end is not known.
        let head = usize::from(matches!(part, Part::End | Part::NotSeenToBeSent));
        let near = (label.len() + 4 + head).max(steps.min(self.spacing.saturating_sub(1)) / 2 + 1);
        for n in 0..steps {
            let sign = match part {
                Part::Whole => '-',
                Part::Start => {
                    if n < near {
                        '-'
                    } else {
                        '.'
                    }
                }
                Part::End => {
                    if n + near >= steps {
                        '-'
                    } else {
                        '.'
                    }
                }
                Part::NotSeenToArrive if n == near => '?',
                Part::NotSeenToArrive if n < near => '-',
                Part::NotSeenToBeSent if n + near + 1 == steps => '?',
                Part::NotSeenToBeSent if n + near >= steps => '-',
                Part::NotSeenToArrive | Part::NotSeenToBeSent => continue,
            };
            canvas.cross(at(n), sign);
        }
        if matches!(part, Part::Whole | Part::Start | Part::NotSeenToArrive) {
            canvas.set(from, 'o');
        }
        if matches!(part, Part::Whole | Part::End | Part::NotSeenToBeSent) && steps > 0 {
            canvas.set(at(steps - 1), if step > 0 { '>' } else { '<' });
        }
        if label.is_empty() || label.len() + 3 > steps {
            return;
        }
        // In the gap beside the end that is here, where all of it fits.
        let gap = steps.min(self.spacing - 1);
        let lead = match part {
            Part::Whole => gap.saturating_sub(label.len()) / 2,
            Part::Start | Part::NotSeenToArrive => 2,
            Part::End | Part::NotSeenToBeSent => steps - label.len() - 3,
        };
        let start = if step > 0 { at(lead) } else { at(lead + label.len() - 1) };
        canvas.put(start, label);
    }
}

/// What has to fit beside a server's line.
fn label_of(mark: &Mark) -> String {
    match mark {
        Mark::Arrow { label, .. } => label.clone(),
        Mark::Bar { .. } | Mark::Gap(_) => String::new(),
        Mark::View { view, .. } => view.clone(),
        Mark::Suspects { whom, .. } => format!("suspects {whom}"),
        Mark::Leaves(_) => "leaves".to_owned(),
        Mark::StartedAgain(_) => "started".to_owned(),
        Mark::Missing { count, .. } => format!("{count} missing"),
    }
}

/// All of it in words, for where there are no arrows to be named.
pub fn words(mark: &Mark) -> String {
    match mark {
        Mark::Arrow { from, to, label, part } => match part {
            Part::Whole => format!("{from}>{to} {label}"),
            Part::Start => format!("{from}>{to} {label} .."),
            Part::End => format!("{from}>{to} .. {label}"),
            Part::NotSeenToArrive => format!("{from}>{to} {label} ?"),
            Part::NotSeenToBeSent => format!("{from}>{to} ? {label}"),
        },
        Mark::Bar { server, position, commands, is_own } => {
            let sign = if *is_own { '#' } else { '=' };
            format!("{server} {sign} {position}: {}", commands_words(*commands))
        }
        Mark::View { view, members, is_first: true, .. } => {
            let members: Vec<String> = members.iter().map(u8::to_string).collect();
            format!("view {view} of {}", members.join(","))
        }
        Mark::View { server, view, is_first: false, .. } => format!("{server} view {view}"),
        Mark::Suspects { server, whom } => format!("{server} suspects {whom}"),
        Mark::Leaves(server) => format!("{server} leaves"),
        Mark::StartedAgain(server) => format!("{server} started again"),
        Mark::Missing { server, count } => format!("{server} {count} missing"),
        Mark::Gap(us) => format!("... {} ...", span(*us)),
    }
}

fn commands_words(commands: u32) -> String {
    if commands == 1 { "1 command".to_owned() } else { format!("{commands} commands") }
}

/// A time since the beginning.
fn millis(us: u64) -> String {
    match us {
        0..1_000_000_000 => format!("{}.{}", us / 1_000, us / 100 % 10),
        _ => format!("{} s", us / 1_000_000),
    }
}

/// How long something took.
pub fn span(us: u64) -> String {
    match us {
        0..10_000_000 => format!("{} ms", us / 1_000),
        10_000_000..600_000_000 => format!("{}.{} s", us / 1_000_000, us / 100_000 % 10),
        600_000_000..36_000_000_000 => format!("{} min", us / 60_000_000),
        _ => format!("{} h", us / 3_600_000_000),
    }
}

/// What the signs mean.
pub const LEGEND: [&str; 2] = [
    "o--> message   o--..  ..-> on its way   ? other end not seen   ! suspicion",
    "[##] critical section, position: commands   [==] the others after it",
];
