//! What a browser needs of a script or a style: the source's comments, indents and blanks between signs stay here.
//!
//! Absent on purpose: everything that needs to know the language. A script must have no regular expressions (a slash
//! would have to be understood), a template none within it; a test holds the page's own to that.

/// Quotation marks; what stands between two of a kind is left alone.
const QUOTES: [char; 3] = ['"', '\'', '`'];

/// A script: the lines stay, since an end of a line can end a statement.
pub(super) fn script(files: &[&str]) -> String {
    let joins = |before: char, after: char| {
        let is_word = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
        // `a + +b` is no `a ++b`.
        (is_word(before) && is_word(after)) || (before == after && matches!(before, '+' | '-'))
    };
    squeeze(files, "//", "\n", |blanks| blanks.contains('\n').then_some('\n'), joins)
}

/// A style.
pub(super) fn style(files: &[&str]) -> String {
    let joins = |before: char, after: char| !"{};:,".contains(before) && !"{};,".contains(after);
    squeeze(files, "/*", "*/", |_| None, joins)
}

/// Leaves out comments from `open` to `close`, and blanks: they become what `always` says, else one blank where
/// `joins` says that the signs around them would become another one together.
fn squeeze(
    files: &[&str],
    open: &str,
    close: &str,
    always: impl Fn(&str) -> Option<char>,
    joins: impl Fn(char, char) -> bool,
) -> String {
    let (text, mut out, mut blanks) = (files.concat(), String::new(), String::new());
    let mut rest = text.as_str();
    while let Some(next) = rest.chars().next() {
        let taken = if rest.starts_with(open) {
            // The end of the line is no part of the comment.
            let end = rest.find(close).unwrap_or(rest.len());
            if close == "\n" { end } else { (end + close.len()).min(rest.len()) }
        } else if next.is_whitespace() {
            blanks.push(next);
            next.len_utf8()
        } else {
            if let Some(before) = out.chars().last() {
                let kept = always(&blanks).or((!blanks.is_empty() && joins(before, next)).then_some(' '));
                out.extend(kept);
            }
            blanks.clear();
            let taken = if QUOTES.contains(&next) { quoted(rest, next) } else { next.len_utf8() };
            out.push_str(&rest[..taken]);
            taken
        };
        rest = &rest[taken..];
    }
    out + "\n"
}

/// How long a text in quotation marks is, with them.
fn quoted(text: &str, quote: char) -> usize {
    let mut is_escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        if c == quote && !is_escaped {
            return at + c.len_utf8();
        }
        is_escaped = c == '\\' && !is_escaped;
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_keeps_its_lines_and_its_texts() {
        let files = [
            "// Why.\nconst a = 1;   // so\n\n  if (a + +b) {\n",
            "    say(\"a  //  b\", 'it\\'s', `x ${ a }`);\n  }\n",
        ];
        let lean = "const a=1;\nif(a+ +b){\nsay(\"a  //  b\",'it\\'s',`x ${ a }`);\n}\n";
        assert_eq!(script(&files), lean);
        assert_eq!(script(&["return x in y ? - -1 : typeof z\n"]), "return x in y?- -1:typeof z\n");
    }

    #[test]
    fn a_style_keeps_what_its_signs_mean() {
        let files =
            ["/* Why. */\na :hover, b > c {\n  margin: calc(1px + 2px) auto;\n  content: \": ; \";\n}\n"];
        assert_eq!(style(&files), "a :hover,b > c{margin:calc(1px + 2px) auto;content:\": ; \";}\n");
        assert_eq!(
            style(&["@media (width: 1px) and (height: 2px) { a { top: 0 } }"]),
            "@media (width:1px) and (height:2px){a{top:0}}\n"
        );
    }
}
