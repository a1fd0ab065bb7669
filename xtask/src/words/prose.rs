//! Finds the prose in a source file: comments, docstrings, string literals, and the text of a page.
//!
//! A file is masked, not parsed: everything but prose becomes [`BREAK`], so that lines keep their numbers and no phrase
//! is found across code.

/// Replaces everything that is not prose.
const BREAK: char = '\0';

/// The kinds of files that hold prose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Rust,
    /// JavaScript and TypeScript.
    Script,
    Style,
    /// TOML, shell, Nix, systemd units: comments start with `#`.
    Hash,
    Markdown,
}

impl Kind {
    /// Returns the kind of a file by its name, or `None` if it holds no prose of ours.
    pub(super) fn of(path: &str) -> Option<Self> {
        let (_, extension) = path.rsplit_once('.')?;
        Some(match extension {
            "rs" => Self::Rust,
            "ts" | "js" | "mjs" => Self::Script,
            "css" => Self::Style,
            "toml" | "sh" | "nix" | "service" | "timer" | "yml" => Self::Hash,
            "md" => Self::Markdown,
            _ => return None,
        })
    }
}

/// Which prose is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keep {
    All,
    /// No string literals.
    Comments,
}

/// A word with its line, or `None` for a break: a full stop, code, a blank line.
pub(super) type Token<'a> = Option<(&'a str, usize)>;

/// Blanks out all but the prose of a file.
pub(super) fn mask(kind: Kind, keep: Keep, source: &str) -> String {
    if kind == Kind::Markdown {
        return without_fences(source);
    }
    let mut mask = Mask { rest: source, kind, keep, out: String::with_capacity(source.len()), last: BREAK };
    while mask.step() {}
    mask.out
}

fn without_fences(source: &str) -> String {
    let mut fenced = false;
    let mut out = String::with_capacity(source.len());
    for line in source.split_inclusive('\n') {
        let edge = line.trim_start().starts_with("```");
        if fenced || edge {
            out.extend([BREAK, '\n']);
        } else {
            out.push_str(line);
        }
        fenced ^= edge;
    }
    out
}

struct Mask<'a> {
    rest: &'a str,
    kind: Kind,
    keep: Keep,
    out: String,
    /// The last letter of code.
    last: char,
}

impl Mask<'_> {
    /// Takes the next comment, literal or letter; returns false at the end of the file.
    fn step(&mut self) -> bool {
        let Some(next) = self.rest.chars().next() else { return false };
        if let Some(marker) = self.line_comment() {
            let end = self.rest.find('\n').unwrap_or(self.rest.len());
            self.blank(marker);
            self.take(end - marker, true);
        } else if self.kind != Kind::Hash && self.rest.starts_with("/*") {
            let end = self.rest.find("*/").map_or(self.rest.len(), |at| at + 2);
            self.take(end, true);
        } else if let Some((open, close)) = self.raw_string() {
            let inside = self.rest[open..].find(&close).unwrap_or(self.rest.len() - open);
            self.literal(open, inside);
        } else if self.opens_string(next) {
            self.literal(1, length_of_string(&self.rest[1..], next, self.kind));
        } else if let Some(length) = self.char_literal() {
            self.cut(length);
        } else if next.is_whitespace() {
            self.last = next;
            self.take(next.len_utf8(), true);
        } else {
            self.cut(next.len_utf8());
        }
        true
    }

    /// Returns the length of a comment's marker, if a line comment begins here.
    fn line_comment(&self) -> Option<usize> {
        match self.kind {
            Kind::Hash => self.rest.starts_with('#').then_some(1),
            Kind::Rust | Kind::Script => self
                .rest
                .starts_with("//")
                .then(|| self.rest.find(|c| c != '/' && c != '!').unwrap_or(self.rest.len())),
            Kind::Style | Kind::Markdown => None,
        }
    }

    /// Returns the length of the opening and the text of the end, if a raw string begins here.
    fn raw_string(&self) -> Option<(usize, String)> {
        if self.kind != Kind::Rust || self.after_a_word() {
            return None;
        }
        let hashes = self.rest.strip_prefix('r')?.split_once('"')?.0;
        hashes.bytes().all(|c| c == b'#').then(|| (hashes.len() + 2, format!("\"{hashes}")))
    }

    fn opens_string(&self, next: char) -> bool {
        match next {
            '"' => true,
            '\'' => matches!(self.kind, Kind::Script | Kind::Hash) && !self.after_a_word(),
            '`' => self.kind == Kind::Script,
            _ => false,
        }
    }

    fn after_a_word(&self) -> bool {
        self.last.is_alphanumeric()
    }

    /// Returns the length of a Rust character literal; a lifetime is none.
    fn char_literal(&self) -> Option<usize> {
        if self.kind != Kind::Rust {
            return None;
        }
        let inside = self.rest.strip_prefix('\'')?;
        let first = inside.chars().next()?;
        if first == '\\' {
            return Some(inside[2..].find('\'')? + 4);
        }
        inside[first.len_utf8()..].starts_with('\'').then(|| first.len_utf8() + 2)
    }

    /// Takes the opening of a literal and its text; what closes it is code.
    fn literal(&mut self, open: usize, inside: usize) {
        self.cut(open);
        if self.keep == Keep::Comments {
            self.cut(inside);
        } else {
            self.take(inside, false);
        }
        self.close();
    }

    /// Keeps the next bytes. In a literal, an escape becomes a break, and an escaped newline becomes a space.
    fn take(&mut self, bytes: usize, comment: bool) {
        let (taken, rest) = self.rest.split_at(bytes);
        if comment {
            self.out.push_str(taken);
        } else {
            let mut letters = taken.chars().peekable();
            while let Some(letter) = letters.next() {
                match (letter, letters.peek()) {
                    ('\\', Some('\n')) => self.out.push(' '),
                    ('\\', Some(_)) => {
                        letters.next();
                        self.out.push(BREAK);
                    }
                    _ => self.out.push(letter),
                }
            }
        }
        self.rest = rest;
    }

    /// Takes the quote that closes a literal, so that it does not open another one.
    fn close(&mut self) {
        if let Some(quote) = self.rest.chars().next() {
            self.cut(quote.len_utf8());
        }
    }

    fn blank(&mut self, bytes: usize) {
        self.out.push(' ');
        self.rest = &self.rest[bytes..];
    }

    fn cut(&mut self, bytes: usize) {
        let (cut, rest) = self.rest.split_at(bytes);
        self.out.push(BREAK);
        self.last = cut.chars().next_back().unwrap_or(BREAK);
        self.out.extend(cut.chars().filter(|c| *c == '\n'));
        self.rest = rest;
    }
}

/// Returns the length of a literal's text. A literal that a script leaves open ends with its line: its quote
/// was part of a regular expression.
fn length_of_string(text: &str, quote: char, kind: Kind) -> usize {
    let mut escaped = false;
    for (at, letter) in text.char_indices() {
        match letter {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '\n' if kind != Kind::Rust && quote != '`' => return at,
            _ if letter == quote => return at,
            _ => {}
        }
    }
    text.len()
}

/// Splits prose into words; code in backticks is a break.
pub(super) fn tokens(prose: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut line = 1;
    let mut rest = prose;
    while let Some(next) = rest.chars().next() {
        let length = match next {
            '\n' => {
                if rest[1..].lines().next().is_none_or(|line| line.trim().is_empty()) {
                    end_phrase(&mut tokens);
                }
                1
            }
            '`' => {
                end_phrase(&mut tokens);
                code_span(rest).map_or(1, |code| code.len() + 2)
            }
            '*' => 1,
            _ if next.is_whitespace() => next.len_utf8(),
            _ if is_of_word(next) => {
                let end = rest.find(|c| !is_of_word(c)).unwrap_or(rest.len());
                tokens.push(Some((rest[..end].trim_matches(['\'', '’']), line)));
                end
            }
            _ => {
                end_phrase(&mut tokens);
                next.len_utf8()
            }
        };
        line += rest[..length].matches('\n').count();
        rest = &rest[length..];
    }
    tokens
}

fn end_phrase(tokens: &mut Vec<Token<'_>>) {
    if tokens.last() != Some(&None) {
        tokens.push(None);
    }
}

/// Returns the code of a span that begins here and ends in the same paragraph.
pub(super) fn code_span(text: &str) -> Option<&str> {
    let (code, _) = text.strip_prefix('`')?.split_once('`')?;
    (!code.is_empty() && !code.contains(BREAK) && !code.contains("\n\n")).then_some(code)
}

fn is_of_word(letter: char) -> bool {
    letter.is_alphanumeric() || matches!(letter, '_' | '-' | '\'' | '’')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(kind: Kind, source: &str) -> String {
        let masked = mask(kind, Keep::All, source);
        let words = tokens(&masked).into_iter().map(|token| token.map_or("|", |(word, _)| word));
        let mut words: Vec<&str> = words.collect();
        words.dedup();
        words.join(" ")
    }

    #[test]
    fn comments_and_literals_are_prose_and_code_is_none() {
        let source =
            "/// One two\n/// three.\nfn four<'a>(x: &'a str) { let c = '\"'; say(\"five \\\n   six\") }";
        assert_eq!(words(Kind::Rust, source), "One two three | five six |");
    }

    #[test]
    fn raw_literals_end_with_their_hashes() {
        assert_eq!(
            words(Kind::Rust, "r#\"one \"two\" three\"# four r\"five\""),
            "| one | two | three | five |"
        );
        assert_eq!(words(Kind::Rust, "for x in var\"one\""), "| one |");
    }

    #[test]
    fn a_blank_comment_line_and_code_in_backticks_are_breaks() {
        assert_eq!(words(Kind::Rust, "/// one\n///\n/// two `three four` five"), "one | two | five");
        assert_eq!(words(Kind::Markdown, "one\n```\ntwo\n```\nthree *four*"), "one | three four");
    }

    #[test]
    fn a_regular_expression_does_not_swallow_a_script() {
        let source = "const a = /it's/;\n// one\nconst b = 'two';\nconst c = `three ${d} four`;";
        assert_eq!(words(Kind::Script, source), "| one | two | three | d | four |");
    }

    #[test]
    fn words_know_their_lines() {
        let masked = mask(Kind::Hash, Keep::All, "a = 1\n# one\n# two\nb = \"three\" # it's four\n");
        let found: Vec<_> = tokens(&masked).into_iter().flatten().collect();
        assert_eq!(found, [("one", 2), ("two", 3), ("three", 4), ("it's", 4), ("four", 4)]);
    }

    #[test]
    fn literals_can_be_left_out() {
        let masked = mask(Kind::Rust, Keep::Comments, "say(\"one\ntwo\"); // three");
        assert_eq!(tokens(&masked).into_iter().flatten().collect::<Vec<_>>(), [("three", 2)]);
    }
}
