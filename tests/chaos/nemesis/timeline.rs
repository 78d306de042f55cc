//! A run as a picture: one HTML page that needs nothing else. Pure.

use super::log::{Effect, Happened, Run, Sight};
use super::plan::Fault;
use boxoffice::client::chaos::worker::{Fate, Record};
use std::fmt::Write as _;
use std::time::Duration;

const LEFT: f64 = 90.0;
const WIDTH: f64 = 1300.0;
/// The latencies' part.
const LATENCY: (f64, f64) = (20.0, 180.0);
/// The part with answers in a time.
const ANSWERS: (f64, f64) = (200.0, 250.0);
const LANES: f64 = 275.0;
const LANE: f64 = 46.0;
/// Shortest and longest latency that are told apart, as powers of ten of milliseconds.
const DECADES: (f64, f64) = (-1.0, 5.0);
/// Calls that took longer are drawn one by one.
const SLOW: Duration = Duration::from_millis(200);
/// A view's name is written if the next one leaves it so much room.
const LABEL: f64 = 44.0;

/// The whole page.
pub fn page(run: &Run) -> String {
    let scale = Scale { end_ns: run.end_ns() as f64 };
    let height = LANES + LANE * f64::from(run.servers) + 40.0;
    let mut svg = String::new();
    grid(&mut svg, &scale, height);
    calls(&mut svg, &scale, &run.records);
    answers(&mut svg, &scale, &run.records);
    for server in 1..=run.servers {
        lane(&mut svg, &scale, run, server);
    }
    let total = LEFT + WIDTH + 20.0;
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"/><title>{title}</title><style>{STYLE}</style></head>\n\
         <body><h1>{title}</h1>\n\
         <p>{key}</p>\n\
         <svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {total} {height}\" width=\"{total}\" height=\"{height}\">\n{svg}</svg>\n\
         {table}<ul>{findings}</ul></body></html>\n",
        title = escape(&run.title),
        key = key(),
        table = table(run),
        findings =
            run.findings.iter().map(|f| format!("<li><pre>{}</pre></li>", escape(f))).collect::<String>(),
    )
}

const STYLE: &str = "body{font:14px sans-serif;margin:20px;color:#222}h1{font-size:18px}table{border-collapse:collapse}\
    td,th{padding:2px 12px;text-align:left;border-bottom:1px solid #ddd}td.n{text-align:right}pre{margin:0;white-space:pre-wrap}\
    svg text{font:11px sans-serif;fill:#333}.k{display:inline-block;padding:1px 8px;margin-right:8px;color:#fff}";

struct Scale {
    end_ns: f64,
}

impl Scale {
    fn x(&self, ns: u64) -> f64 {
        LEFT + ns as f64 / self.end_ns * WIDTH
    }

    fn y(&self, took: Duration) -> f64 {
        let (low, high) = DECADES;
        let power = (took.as_secs_f64() * 1000.0).max(1e-9).log10().clamp(low, high);
        LATENCY.1 - (power - low) / (high - low) * (LATENCY.1 - LATENCY.0)
    }
}

fn color(fault: Fault) -> &'static str {
    match fault {
        Fault::Stop => "#4a6fa5",
        Fault::Kill => "#b03a2e",
        Fault::Pause => "#7d3c98",
        Fault::Cut => "#ca6f1e",
    }
}

fn key() -> String {
    let mut words = String::new();
    for fault in [Fault::Stop, Fault::Kill, Fault::Pause, Fault::Cut] {
        let _ =
            write!(words, "<span class=\"k\" style=\"background:{}\">{}</span>", color(fault), fault.name());
    }
    for (shade, state) in [("#cfe8cf", "ready"), ("#ffe0a0", "not ready"), ("#d8d8d8", "does not answer")] {
        let _ = write!(words, "<span class=\"k\" style=\"background:{shade};color:#222\">{state}</span>");
    }
    words
        + "Numbers in a lane: the server's view. Top: how long calls took (blue: the range; lines: slow ones, from call \
             to return; crosses: no answer). Below: answers in a time."
}

fn grid(svg: &mut String, scale: &Scale, height: f64) {
    let seconds = scale.end_ns / 1e9;
    let step = [1.0, 2.0, 5.0, 10.0, 20.0, 60.0, 300.0, 600.0, 3600.0];
    let step = step.into_iter().find(|step| seconds / step <= 24.0).unwrap_or(36_000.0);
    let mut at = 0.0;
    while at <= seconds {
        let x = scale.x((at * 1e9) as u64);
        let bottom = height - 25.0;
        let _ =
            writeln!(svg, "<line x1=\"{x:.1}\" y1=\"15\" x2=\"{x:.1}\" y2=\"{bottom}\" stroke=\"#eee\"/>");
        let _ = writeln!(
            svg,
            "<text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{at} s</text>",
            height - 10.0
        );
        at += step;
    }
    for (ms, words) in [(1, "1 ms"), (10, "10 ms"), (100, "100 ms"), (1000, "1 s"), (10_000, "10 s")] {
        let y = scale.y(Duration::from_millis(ms));
        let right = LEFT + WIDTH;
        let _ =
            writeln!(svg, "<line x1=\"{LEFT}\" y1=\"{y:.1}\" x2=\"{right}\" y2=\"{y:.1}\" stroke=\"#eee\"/>");
        let _ = writeln!(
            svg,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{words}</text>",
            LEFT - 6.0,
            y + 4.0
        );
    }
}

/// One column a pixel with the shortest and the longest, and every slow one.
fn calls(svg: &mut String, scale: &Scale, records: &[Record]) {
    let mut columns: Vec<Option<(Duration, Duration)>> = vec![None; WIDTH as usize + 1];
    for record in records {
        let (from, to, y) = (scale.x(record.call.call_ns), scale.x(record.ended_ns), scale.y(record.took()));
        if record.fate != Fate::Answered {
            let _ = writeln!(
                svg,
                "<text x=\"{to:.1}\" y=\"{:.1}\" style=\"fill:#c00\">x<title>{}</title></text>",
                y + 4.0,
                escape(&record.call.ask.to_string())
            );
        } else if record.took() > SLOW {
            let words = format!("client {}: {}, {:.2?}", record.call.client, record.call.ask, record.took());
            let _ = writeln!(
                svg,
                "<line x1=\"{from:.1}\" y1=\"{y:.1}\" x2=\"{to:.1}\" y2=\"{y:.1}\" stroke=\"#d35400\" stroke-opacity=\"0.6\"><title>{}</title></line>",
                escape(&words)
            );
        } else {
            let column = &mut columns[(to - LEFT) as usize];
            let (low, high) = column.unwrap_or((record.took(), record.took()));
            *column = Some((low.min(record.took()), high.max(record.took())));
        }
    }
    for (n, column) in columns.iter().enumerate() {
        if let Some((low, high)) = column {
            let (x, low, high) = (LEFT + n as f64, scale.y(*low), scale.y(*high) - 1.0);
            let _ = writeln!(
                svg,
                "<line x1=\"{x}\" y1=\"{low:.1}\" x2=\"{x}\" y2=\"{high:.1}\" stroke=\"#3b7dd8\"/>"
            );
        }
    }
}

fn answers(svg: &mut String, scale: &Scale, records: &[Record]) {
    const COLUMNS: usize = 325;
    let mut counts = [0usize; COLUMNS + 1];
    for record in records.iter().filter(|record| record.fate == Fate::Answered) {
        counts[((scale.x(record.ended_ns) - LEFT) / WIDTH * COLUMNS as f64) as usize] += 1;
    }
    let most = counts.iter().copied().max().unwrap_or(1).max(1);
    let width = WIDTH / COLUMNS as f64;
    for (n, &count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
        let height = count as f64 / most as f64 * (ANSWERS.1 - ANSWERS.0);
        let (x, y) = (LEFT + n as f64 * width, ANSWERS.1 - height);
        let _ = writeln!(
            svg,
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{height:.1}\" fill=\"#88a\"/>",
            width - 0.5
        );
    }
    let rate = most as f64 / (scale.end_ns / 1e9 / COLUMNS as f64);
    let _ = writeln!(
        svg,
        "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{rate:.0}/s</text>",
        LEFT - 6.0,
        ANSWERS.0 + 8.0
    );
}

fn lane(svg: &mut String, scale: &Scale, run: &Run, server: u8) {
    let top = LANES + LANE * f64::from(server - 1);
    let _ = writeln!(
        svg,
        "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">server {server}</text>",
        LEFT - 6.0,
        top + 18.0
    );
    let sights: Vec<&Sight> = run.sights.iter().filter(|sight| sight.server == server).collect();
    for (n, sight) in sights.iter().enumerate() {
        let (from, to) =
            (scale.x(sight.at_ns), sights.get(n + 1).map_or(LEFT + WIDTH, |next| scale.x(next.at_ns)));
        let (shade, words) = match &sight.said {
            Some(said) if said.is_ready => ("#cfe8cf", format!("{}, view {}", said.state, said.view)),
            Some(said) => ("#ffe0a0", format!("{}, view {}", said.state, said.view)),
            None => ("#d8d8d8", "does not answer".to_owned()),
        };
        let _ = writeln!(
            svg,
            "<rect x=\"{from:.1}\" y=\"{top:.1}\" width=\"{:.1}\" height=\"26\" fill=\"{shade}\" stroke=\"#fff\"><title>{}</title></rect>",
            (to - from).max(0.5),
            escape(&words)
        );
        if let Some(said) = &sight.said
            && to - from > LABEL
        {
            let _ = writeln!(
                svg,
                "<text x=\"{:.1}\" y=\"{:.1}\">{}</text>",
                from + 3.0,
                top + 17.0,
                escape(&said.view)
            );
        }
    }
    for happened in run.happened.iter().filter(|happened| happened.server == server) {
        let (from, to) =
            (scale.x(happened.from_ns), happened.until_ns.map_or(LEFT + WIDTH, |ns| scale.x(ns)));
        let words = words_of(happened);
        let _ = writeln!(
            svg,
            "<rect x=\"{from:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"10\" fill=\"{}\"><title>{}</title></rect>",
            top + 27.0,
            (to - from).max(1.5),
            color(happened.fault),
            escape(&words)
        );
    }
}

fn words_of(happened: &Happened) -> String {
    format!("{} server {} at {:.2} s", happened.fault.name(), happened.server, happened.from_ns as f64 / 1e9)
}

fn table(run: &Run) -> String {
    let mut rows = "<table><tr><th>at</th><th>what</th><th>for</th><th>nobody got an answer for</th>\
        <th>longest wait of a call</th></tr>\n"
        .to_owned();
    for (n, happened) in run.happened.iter().enumerate() {
        let Effect { gap, wait } = run.effect(n);
        let lasted = happened.until_ns.map(|until| (until - happened.from_ns) as f64 / 1e9);
        let _ = writeln!(
            rows,
            "<tr><td class=\"n\">{:.2} s</td><td>{} server {}</td><td class=\"n\">{}</td><td class=\"n\">{gap:.2?}</td>\
             <td class=\"n\">{wait:.2?}</td></tr>",
            happened.from_ns as f64 / 1e9,
            happened.fault.name(),
            happened.server,
            lasted.map_or("to the end".to_owned(), |seconds| format!("{seconds:.1} s"))
        );
    }
    rows + "</table>\n"
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::super::log::Said;
    use super::*;
    use boxoffice::verify::history::{Ask, Call, DEFAULT_EVENT};

    fn record(call_ms: u64, ended_ms: u64, fate: Fate) -> Record {
        let ask = Ask::Search { name: "<ann & bob>".parse().unwrap() };
        let call =
            Call { client: 1, event: DEFAULT_EVENT.to_owned(), ask, call_ns: call_ms * 1_000_000, end: None };
        Record { call, fate, ended_ns: ended_ms * 1_000_000, server: 1, tries: 1 }
    }

    fn run() -> Run {
        let said = Said { is_ready: true, state: "ready".into(), view: "0.1.1".into() };
        Run {
            title: "seed 1".into(),
            servers: 3,
            happened: vec![
                Happened {
                    server: 2,
                    fault: Fault::Kill,
                    from_ns: 1_000_000_000,
                    until_ns: Some(3_000_000_000),
                },
                Happened { server: 3, fault: Fault::Cut, from_ns: 4_000_000_000, until_ns: None },
            ],
            sights: vec![
                Sight { server: 2, at_ns: 0, said: Some(said) },
                Sight { server: 2, at_ns: 1_100_000_000, said: None },
            ],
            records: vec![
                record(0, 2, Fate::Answered),
                record(900, 2_900, Fate::Answered),
                record(3_000, 9_000, Fate::Unknown),
            ],
            findings: vec!["it is < right".into()],
        }
    }

    /// Every tag that is opened is closed, in order.
    fn is_well_formed(page: &str) -> bool {
        let mut open = Vec::new();
        for tag in page.split('<').skip(1).filter_map(|rest| rest.split('>').next()) {
            let name = tag.split([' ', '/']).find(|part| !part.is_empty()).unwrap_or_default();
            if let Some(name) = tag.strip_prefix('/') {
                if open.pop() != Some(name) {
                    return false;
                }
            } else if !tag.ends_with('/') && !tag.starts_with('!') {
                open.push(name);
            }
        }
        open.is_empty()
    }

    #[test]
    fn the_page_is_whole_and_shows_every_fault() {
        let page = page(&run());
        assert!(is_well_formed(&page), "{page}");
        for words in [
            "kill server 2",
            "cut server 3",
            "0.1.1",
            "it is &lt; right",
            "&lt;ann &amp; bob&gt;",
            "to the end",
        ] {
            assert!(page.contains(words), "{words} is not in {page}");
        }
        assert!(!page.contains("NaN") && !page.contains("inf"), "{page}");
    }

    #[test]
    fn a_run_in_which_nothing_happened_is_a_page_too() {
        let empty = Run { happened: vec![], sights: vec![], records: vec![], ..run() };
        assert!(is_well_formed(&page(&empty)));
    }

    #[test]
    fn the_words_tell_the_gap_of_each_fault() {
        let text = run().text();
        assert!(text.contains("kill server 2 for 2.0 s") && text.contains("no answer for 1.90s"), "{text}");
    }
}
