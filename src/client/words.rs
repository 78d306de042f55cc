//! A line of the prompt as words, the way people know it from a shell. Pure.

/// Why a line is no list of words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WordsError {
    /// A quotation that has no end.
    #[error("a quotation mark ({0}) is not closed")]
    Unclosed(char),
}

/// Splits at blanks, except within `'...'` and `"..."`. A backslash takes the next character as it is, except
/// within single quotes. A `#` at the start of a word ends the line. Variables and patterns mean nothing.
pub fn split(line: &str) -> Result<Vec<String>, WordsError> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote: Option<char> = None;
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (Some('\''), c) => word.get_or_insert_default().push(c),
            (_, '\\') => word.get_or_insert_default().push(chars.next().unwrap_or('\\')),
            (Some(_), c) => word.get_or_insert_default().push(c),
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, '#') if word.is_none() => break,
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            (None, c) => word.get_or_insert_default().push(c),
        }
    }
    if let Some(open) = quote {
        return Err(WordsError::Unclosed(open));
    }
    words.extend(word);
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn is(line: &str, words: &[&str]) {
        assert_eq!(split(line).unwrap(), words, "{line:?}");
    }

    #[test]
    fn blanks_separate_and_quotes_join() {
        is("reserve bob 2", &["reserve", "bob", "2"]);
        is("  reserve\t'Ann Lee'  2 ", &["reserve", "Ann Lee", "2"]);
        is(r#"search "O'Brien""#, &["search", "O'Brien"]);
        is(r#"search O\'Brien"#, &["search", "O'Brien"]);
        is(r#"search "a \"b\"""#, &["search", "a \"b\""]);
        is(r"search 'a\b'", &["search", r"a\b"]);
        is("search ''", &["search", ""]);
        is("", &[]);
    }

    #[test]
    fn a_comment_ends_the_line_but_not_a_word() {
        is("# nothing", &[]);
        is("reserve bob 2 # two", &["reserve", "bob", "2"]);
        is("search bob#2", &["search", "bob#2"]);
    }

    #[test]
    fn an_open_quotation_is_an_error() {
        assert_eq!(split("search 'bob"), Err(WordsError::Unclosed('\'')));
        assert_eq!(split("search \"bob"), Err(WordsError::Unclosed('"')));
    }

    proptest! {
        #[test]
        fn any_words_in_single_quotes_come_back(words in prop::collection::vec("[^']{0,12}", 0..5)) {
            let line: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
            prop_assert_eq!(split(&line.join(" ")).unwrap(), words);
        }

        #[test]
        fn any_line_is_split_or_refused(line in ".{0,60}") {
            let _ = split(&line);
        }
    }
}
