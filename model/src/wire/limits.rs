//! Upper bounds on messages between server, agent and browser. Both sides respect them and check them.
//!
//! Identifiers (a name, a store path, a commit) are never cut: a message with one that is too long ends the
//! connection. Descriptions are cut, and long lists lose their end
//! ([`Message::cut`](crate::wire::message::Message::cut)).

/// Upper bound on a message on the agent's socket, in bytes. A host with 200 generations stays far below it.
pub const MESSAGE_BYTES: usize = 1024 * 1024;
/// Upper bound on a line of output, in bytes; longer ones are cut and marked.
pub const LINE_BYTES: usize = 8 * 1024;
/// Upper bound on the lines in one message.
pub const LINES_PER_MESSAGE: usize = 200;
/// Upper bound on the stored lines of one op; further ones are counted, not stored.
pub const LINES_PER_OP: u64 = 20_000;
/// Upper bound on reported generations: the newest ones.
pub const GENERATIONS: usize = 200;
/// Upper bound on test runs in facts: one per generation.
pub const TEST_RUNS: usize = GENERATIONS;
/// Upper bound on the tests of a host.
pub const TESTS: usize = 200;
/// Upper bound on a test's name, in bytes: that of a file name.
pub const TEST_NAME_BYTES: usize = 255;
/// Upper bound on the stored lines of a failed test's output.
pub const TEST_TAIL_LINES: usize = 12;
/// Upper bound on such a line, in bytes.
pub const TEST_TAIL_BYTES: usize = 240;
/// Upper bound on the path of a host's file or folder, in bytes.
pub const PATH_BYTES: usize = 4096;
/// Upper bound on a store path, in bytes. Nix itself makes names of at most 211 characters.
pub const STORE_PATH_BYTES: usize = 512;
/// Upper bound on a commit, tree or hash, in bytes.
pub const HASH_BYTES: usize = 128;
/// Upper bound on the version of an agent, a system, a kernel or Nix, in bytes.
pub const VERSION_BYTES: usize = 200;
/// Upper bound on the switch inhibitors of a generation.
pub const INHIBITORS: usize = 20;
/// Upper bound on the specialisations of a generation.
pub const SPECIALISATIONS: usize = 64;
/// Upper bound on reported failed units.
pub const FAILED_UNITS: usize = 100;
/// Upper bound on the name of a unit or an inhibitor, in bytes: that of systemd.
pub const UNIT_BYTES: usize = 255;
/// Upper bound on reported problems.
pub const PROBLEMS: usize = 20;
/// Upper bound on a problem, in bytes.
pub const PROBLEM_BYTES: usize = 500;
/// Upper bound on the message of a result, in bytes.
pub const RESULT_BYTES: usize = 4096;
/// Upper bound on the ops in a reported journal.
pub const JOURNAL_OPS: usize = 10_000;
/// Upper bound on the versions of a package on each side of a comparison.
pub const PACKAGE_VERSIONS: usize = 50;
/// Upper bound on a person's reason, in characters.
pub const REASON_CHARS: usize = 500;
/// Upper bound on a person's name, in characters.
pub const PERSON_NAME_CHARS: usize = 64;
/// Upper bound on a host's name, in characters.
pub const HOST_NAME_CHARS: usize = 63;

/// Number of items that a sentence names from a list.
pub const NAMED: usize = 3;

/// The first [`NAMED`] items of a list and the number of others: “a, b, c and 317 more”.
pub fn few<T: AsRef<str>>(all: &[T]) -> String {
    let named: Vec<_> = all.iter().take(NAMED).map(AsRef::as_ref).collect();
    match all.len().saturating_sub(NAMED) {
        0 => named.join(", "),
        more => format!("{} and {more} more", named.join(", ")),
    }
}

/// Cuts `text` to at most `max_bytes` bytes at a character boundary, and marks the cut with `…`.
pub fn cut(text: &str, max_bytes: usize) -> String {
    const MARK: char = '…';
    if text.len() <= max_bytes {
        return text.to_owned();
    }
    let mut end = max_bytes.saturating_sub(MARK.len_utf8());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let mut kept = text[..end].to_owned();
    if end + MARK.len_utf8() <= max_bytes {
        kept.push(MARK);
    }
    kept
}

/// Returns whether a character could make a text look like another one: a control, a change of the direction of
/// writing, or one without width. The joiners of emoji and of Persian are none of these.
pub fn is_deceptive(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(c, '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Cuts `text` to at most `max_bytes` bytes, and replaces deceptive characters with `�`, line breaks among them: it
/// stays on one line and reads as what it is.
pub fn cut_line(text: &str, max_bytes: usize) -> String {
    if text.len() <= max_bytes && !text.contains(is_deceptive) {
        return text.to_owned();
    }
    // Cut before as well, because the replacement may be longer than the character.
    let line: String = cut(text, max_bytes)
        .chars()
        .map(|c| if is_deceptive(c) { char::REPLACEMENT_CHARACTER } else { c })
        .collect();
    cut(&line, max_bytes)
}

/// What a person wrote on several lines, without deceptive characters.
pub fn plain_lines(text: &str) -> String {
    let is_kept = |c| matches!(c, '\n' | '\t') || !is_deceptive(c);
    // A browser sends the lines of a form's field with both characters.
    text.trim().replace("\r\n", "\n").replace(|c| !is_kept(c), "\u{fffd}")
}

/// A log entry on one line: only the line feed at its end is kept.
pub fn log_line(entry: &str) -> String {
    let (body, end) = entry.strip_suffix('\n').map_or((entry, ""), |body| (body, "\n"));
    body.replace('\n', "\\n").replace('\r', "\\r") + end
}

/// Returns whether `name` can be a person's: letters of the Latin alphabet, digits, and a few signs. None of them looks like
/// another. A name that begins with `@` is one at GitHub.
pub fn is_person_name(name: &str) -> bool {
    let is_latin = |c| matches!(c, 'À'..='ɏ') && !matches!(c, '×' | '÷');
    let is_plain = |c: char| c.is_ascii_alphanumeric() || " .-_@+'".contains(c) || is_latin(c);
    (1..=PERSON_NAME_CHARS).contains(&name.chars().count())
        && name.chars().all(is_plain)
        && name.trim() == name
        && !name.starts_with('@')
}

/// Returns whether `name` is a valid host name: a DNS label (RFC 1123), which is safe in an address, a file
/// name and a log.
pub fn is_host_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= HOST_NAME_CHARS
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        && !name.starts_with('-')
        && !name.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_long_list_names_the_first_and_counts_the_others() {
        assert_eq!(few::<&str>(&[]), "");
        assert_eq!(few(&["a", "b", "c"]), "a, b, c");
        assert_eq!(few(&["a", "b", "c", "d"]), "a, b, c and 1 more");
    }

    proptest! {
        #[test]
        fn a_cut_text_fits(text in ".{0,80}", max in 0_usize..100) {
            let kept = cut(&text, max);
            prop_assert!(kept.len() <= max);
            prop_assert!(text.len() > max || kept == text);
        }
    }

    #[test]
    fn a_line_stays_one_line() {
        assert_eq!(cut_line("0.1.0", 20), "0.1.0");
        assert_eq!(cut_line("a\nb\u{1b}", 20), "a\u{fffd}b\u{fffd}");
        assert!(cut_line(&"\n".repeat(50), 20).len() <= 20);
        assert_eq!(cut_line("server\u{202e}\u{200b}", 20), "server\u{fffd}\u{fffd}");
        assert_eq!(cut_line("👩\u{200d}🔧 می\u{200c}خواهم", 40), "👩\u{200d}🔧 می\u{200c}خواهم");
        assert_eq!(plain_lines(" a\r\n\tb\u{202e}c "), "a\n\tb\u{fffd}c");
        assert_eq!(log_line("one\ntwo\r\n"), "one\\ntwo\\r\n");
        assert_eq!(log_line("one"), "one");
    }

    #[test]
    fn person_names() {
        for good in ["maria", "Ana María", "j.doe@example.org", "o'neil", "x"] {
            assert!(is_person_name(good), "{good}");
        }
        for bad in
            ["", " maria", "maria ", "@maria", "а", "ma\u{200b}ria", "a\u{202e}b", "a\tb", &"a".repeat(65)]
        {
            assert!(!is_person_name(bad), "{bad}");
        }
    }

    #[test]
    fn host_names() {
        for good in ["gpc0", "a", "web-01", "HSB0"] {
            assert!(is_host_name(good), "{good}");
        }
        for bad in ["", "-a", "a-", "a.b", "../x", "a b", "ä", &"a".repeat(64)] {
            assert!(!is_host_name(bad), "{bad}");
        }
    }
}
