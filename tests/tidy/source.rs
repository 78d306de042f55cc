//! A source file as tokens: enough of Rust's grammar to find every path, whatever it is wrapped in.

use std::ops::Range;

/// A word or sign outside of comments. `::` is one token; a string keeps its quotes and content.
#[derive(Debug)]
pub struct Token {
    /// From 1.
    pub line: usize,
    pub text: String,
    /// Within an item that is compiled for tests only.
    pub is_test: bool,
}

/// A path such as `crate::domain::ids`, spelt out from the root of the crate or from an external one.
#[derive(Debug)]
pub struct Path {
    pub line: usize,
    pub parts: Vec<String>,
    /// It lies in this package; `parts` begin with a module below its root.
    pub is_own: bool,
    pub is_test: bool,
}

impl Path {
    pub fn starts_with(&self, prefix: &str) -> bool {
        let mut parts = self.parts.iter();
        prefix.split("::").all(|part| parts.next().is_some_and(|other| other == part))
    }

    pub fn text(&self) -> String {
        let root = if self.is_own { "crate::" } else { "" };
        format!("{root}{}", self.parts.join("::"))
    }
}

/// Splits a text into tokens and marks those of test items.
pub fn tokens(text: &str) -> Vec<Token> {
    let mut lexer = Lexer { chars: text.chars().collect(), at: 0, line: 1, tokens: Vec::new() };
    lexer.run();
    let mut tokens = lexer.tokens;
    let mut at = 0;
    while at < tokens.len() {
        match matches(&tokens, at, &["#", "[", "cfg", "(", "test", ")", "]"]) {
            true => {
                let end = end_of_item(&tokens, at);
                tokens[at..end].iter_mut().for_each(|token| token.is_test = true);
                at = end;
            }
            false => at += 1,
        }
    }
    tokens
}

/// Whether these tokens stand here.
pub fn matches(tokens: &[Token], at: usize, texts: &[&str]) -> bool {
    texts.iter().enumerate().all(|(i, text)| tokens.get(at + i).is_some_and(|token| token.text == *text))
}

/// One past the item whose first attribute stands here: past its `;`, or the `}` of its body.
fn end_of_item(tokens: &[Token], start: usize) -> usize {
    let mut depth = 0;
    for (at, token) in tokens.iter().enumerate().skip(start) {
        match token.text.as_str() {
            "{" | "(" | "[" => depth += 1,
            "}" | ")" | "]" => depth -= 1,
            ";" if depth == 0 => return at + 1,
            _ => {}
        }
        if depth == 0 && token.text == "}" {
            return at + 1;
        }
    }
    tokens.len()
}

/// The token behind the bracket that closes the one here.
pub fn behind_bracket(tokens: &[Token], open: usize) -> usize {
    let mut depth = 0;
    for (at, token) in tokens.iter().enumerate().skip(open) {
        match token.text.as_str() {
            "{" | "(" | "[" => depth += 1,
            "}" | ")" | "]" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at + 1;
        }
    }
    tokens.len()
}

struct Lexer {
    chars: Vec<char>,
    at: usize,
    line: usize,
    tokens: Vec<Token>,
}

impl Lexer {
    fn peek(&self, ahead: usize) -> char {
        self.chars.get(self.at + ahead).copied().unwrap_or('\0')
    }

    fn bump(&mut self) -> char {
        let c = self.peek(0);
        self.at += 1;
        self.line += usize::from(c == '\n');
        c
    }

    fn run(&mut self) {
        while self.at < self.chars.len() {
            let (start, line) = (self.at, self.line);
            match self.peek(0) {
                c if c.is_whitespace() => {
                    self.bump();
                    continue;
                }
                '/' if self.peek(1) == '/' => {
                    while self.at < self.chars.len() && self.peek(0) != '\n' {
                        self.bump();
                    }
                    continue;
                }
                '/' if self.peek(1) == '*' => {
                    self.block_comment();
                    continue;
                }
                '"' => self.string(),
                '\'' => self.quote(),
                ':' if self.peek(1) == ':' => self.at += 2,
                c if c.is_alphanumeric() || c == '_' => self.word(),
                _ => self.at += 1,
            }
            let text = self.chars[start..self.at.min(self.chars.len())].iter().collect();
            self.tokens.push(Token { line, text, is_test: false });
        }
    }

    fn block_comment(&mut self) {
        let mut depth = 0;
        while self.at < self.chars.len() {
            match (self.peek(0), self.peek(1)) {
                ('/', '*') => (depth, self.at) = (depth + 1, self.at + 2),
                ('*', '/') => (depth, self.at) = (depth - 1, self.at + 2),
                _ => _ = self.bump(),
            }
            if depth == 0 {
                return;
            }
        }
    }

    fn string(&mut self) {
        self.bump();
        while self.at < self.chars.len() {
            match self.bump() {
                '"' => return,
                '\\' => _ = self.bump(),
                _ => {}
            }
        }
    }

    /// A character, or the name of a lifetime.
    fn quote(&mut self) {
        self.bump();
        if self.peek(0) == '\\' {
            self.at += 2;
            while self.at < self.chars.len() && self.bump() != '\'' {}
        } else if self.peek(1) == '\'' {
            self.at += 2;
        } else {
            self.word_part();
        }
    }

    /// A name or number, or a string with letters before its quotation mark.
    fn word(&mut self) {
        let start = self.at;
        self.word_part();
        let word: String = self.chars[start..self.at].iter().collect();
        let hashes = (0..).take_while(|&i| self.peek(i) == '#').count();
        match word.as_str() {
            "r" | "br" | "cr" if self.peek(hashes) == '"' => self.raw_string(hashes),
            "r" if hashes == 1 => {
                self.bump();
                self.word_part();
            }
            "b" | "c" if self.peek(0) == '"' => self.string(),
            "b" if self.peek(0) == '\'' => self.quote(),
            _ => {}
        }
    }

    fn word_part(&mut self) {
        while self.peek(0).is_alphanumeric() || self.peek(0) == '_' {
            self.at += 1;
        }
    }

    fn raw_string(&mut self, hashes: usize) {
        self.at += hashes + 1;
        while self.at < self.chars.len() {
            if self.bump() == '"' && (0..hashes).all(|i| self.peek(i) == '#') {
                self.at += hashes;
                return;
            }
        }
    }
}

/// Every path of more than one part, with `crate`, `self`, `super` and this package's name resolved for a file that
/// is this module.
pub fn paths(tokens: &[Token], module: &[String]) -> Vec<Path> {
    let (mut found, mut inner, mut depth) = (Vec::new(), Vec::<(usize, String)>::new(), 0);
    let mut at = 0;
    while at < tokens.len() {
        match tokens[at].text.as_str() {
            "{" => depth += 1,
            "}" => {
                depth -= 1;
                inner.retain(|(outside, _)| *outside < depth);
            }
            "mod" if matches(tokens, at + 2, &["{"]) => inner.push((depth, tokens[at + 1].text.clone())),
            word if is_name(word) && matches(tokens, at + 1, &["::"]) && !follows_path(tokens, at) => {
                let here = module.iter().chain(inner.iter().map(|(_, name)| name)).cloned().collect();
                at = read_from(tokens, at, here, &mut found);
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    found
}

fn is_name(word: &str) -> bool {
    word.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

fn follows_path(tokens: &[Token], at: usize) -> bool {
    at > 0 && tokens[at - 1].text == "::"
}

/// Reads the path that begins here; `here` is the module around it. Gives where it ends.
fn read_from(tokens: &[Token], start: usize, here: Vec<String>, found: &mut Vec<Path>) -> usize {
    let (mut at, mut base) = (start + 2, here);
    let is_own = match tokens[start].text.as_str() {
        "crate" if base.first().is_some_and(|first| first == "bin") => {
            base.truncate(2);
            true
        }
        "crate" | "boxoffice" => {
            base.clear();
            true
        }
        "self" => true,
        "super" => {
            base.pop();
            while matches(tokens, at, &["super", "::"]) {
                base.pop();
                at += 2;
            }
            true
        }
        other => {
            base = vec![other.to_owned()];
            false
        }
    };
    tree(tokens, at, base, is_own, found)
}

/// What follows a `::`: a name and more, a group in braces, or the end. Gives where it ends.
fn tree(tokens: &[Token], at: usize, mut base: Vec<String>, is_own: bool, found: &mut Vec<Path>) -> usize {
    let Some(token) = tokens.get(at) else { return at };
    let mut end = |parts, at| {
        found.push(Path { line: token.line, parts, is_own, is_test: token.is_test });
        at
    };
    match token.text.as_str() {
        "{" => {
            let mut at = at + 1;
            while at < tokens.len() && tokens[at].text != "}" {
                at = tree(tokens, at, base.clone(), is_own, found);
                // Past a new name (`as other`), up to the next one of the group.
                let rest: Range<usize> = at..tokens.len();
                at = rest.into_iter().find(|&i| [",", "}"].contains(&tokens[i].text.as_str())).unwrap_or(at);
                at += usize::from(tokens[at].text == ",");
            }
            at + 1
        }
        "self" => end(base, at + 1),
        word if is_name(word) || word == "*" => {
            base.push(word.to_owned());
            match matches(tokens, at + 1, &["::"]) {
                true => tree(tokens, at + 2, base, is_own, found),
                false => end(base, at + 1),
            }
        }
        _ => end(base, at),
    }
}
