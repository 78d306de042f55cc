//! Which line of the text a key is on, for errors that the YAML parser does not know about.
//!
//! A search in the text, not a second parser: it finds keys as people write them (a key a line, or a server a
//! line in braces), and gives up with `None` rather than point at a wrong line.

/// The line, from 1, of a key such as `seats`, `limits.batch_bytes_max` or, with `item`, `servers.id` in the
/// n-th item (from 0) of the list. Falls back to the line of the outer key.
pub(super) fn line_of(text: &str, key: &str, item: Option<usize>) -> Option<usize> {
    let lines: Vec<&str> = text.lines().map(without_comment).collect();
    let (section, field) = match key.split_once('.') {
        Some((section, field)) => (section, Some(field)),
        None => (key, None),
    };
    let outer = lines.iter().position(|line| column_of(line, section) == Some(0))?;
    // The section ends at the next key that starts in the first column.
    let end = lines[outer + 1..]
        .iter()
        .position(|line| line.starts_with(|c: char| c.is_alphabetic()))
        .map_or(lines.len(), |n| outer + 1 + n);
    let (start, end) = match item {
        None => (outer, end),
        Some(n) => match item_range(&lines[..end], outer, n) {
            Some(range) => range,
            None => return Some(outer + 1),
        },
    };
    let found = field.and_then(|field| (start..end).find(|&i| column_of(lines[i], field).is_some()));
    Some(found.unwrap_or(start) + 1)
}

/// First and one past the last line of the n-th `- ` item below `outer`.
fn item_range(lines: &[&str], outer: usize, n: usize) -> Option<(usize, usize)> {
    let mut starts = (outer + 1..lines.len()).filter(|&i| lines[i].trim_start().starts_with('-'));
    let start = starts.nth(n)?;
    Some((start, starts.next().unwrap_or(lines.len())))
}

/// Where `key:` stands in the line as a whole word.
fn column_of(line: &str, key: &str) -> Option<usize> {
    line.match_indices(key).map(|(at, _)| at).find(|&at| {
        let word = |c: char| c.is_alphanumeric() || c == '_' || c == '.';
        let before = line[..at].chars().next_back().is_none_or(|c| !word(c));
        let after = line[at + key.len()..].trim_start_matches(['"', '\'', ' ']);
        before && after.starts_with(':')
    })
}

fn without_comment(line: &str) -> &str {
    match line.find('#') {
        Some(at) if at == 0 || line[..at].ends_with([' ', '\t']) => &line[..at],
        _ => line,
    }
}
