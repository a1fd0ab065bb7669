//! Upper bounds on what travels between server, agent and browser. Both sides keep to them and check them.
//!
//! What identifies something (a name, a store path, a commit) is taken whole or not at all: a message with
//! one that is too long ends the connection. What describes something is cut, and long lists lose their end
//! ([`Message::cut`](crate::wire::message::Message::cut)).

/// The largest message on the agent's socket, in bytes. A host with 200 generations stays far below it.
pub const MESSAGE_BYTES: usize = 1024 * 1024;
/// The longest output line that is kept, in bytes; what is longer is cut and says so.
pub const LINE_BYTES: usize = 8 * 1024;
/// The most output lines in one message.
pub const LINES_PER_MESSAGE: usize = 200;
/// The most output lines kept of one op; what comes after is counted, not kept.
pub const LINES_PER_OP: u64 = 20_000;
/// The most generations that an agent reports: the newest ones.
pub const GENERATIONS: usize = 200;
/// The most test runs in an agent's facts: one for each generation.
pub const TEST_RUNS: usize = GENERATIONS;
/// The most tests of a host that are run.
pub const TESTS: usize = 200;
/// The longest name of a test, in bytes: that of a file.
pub const TEST_NAME_BYTES: usize = 255;
/// The most lines kept of a failed test's output.
pub const TEST_TAIL_LINES: usize = 12;
/// The longest line kept of a failed test's output, in bytes.
pub const TEST_TAIL_BYTES: usize = 240;
/// The longest path of a host's file or folder, in bytes.
pub const PATH_BYTES: usize = 4096;
/// The longest store path, in bytes. Nix itself makes names of at most 211 characters.
pub const STORE_PATH_BYTES: usize = 512;
/// The longest commit, tree or hash, in bytes.
pub const HASH_BYTES: usize = 128;
/// The longest version of an agent, a system, a kernel or a Nix, in bytes.
pub const VERSION_BYTES: usize = 200;
/// The most switch inhibitors of a generation.
pub const INHIBITORS: usize = 20;
/// The most failed units that an agent reports.
pub const FAILED_UNITS: usize = 100;
/// The longest name of a unit or an inhibitor, in bytes: that of systemd.
pub const UNIT_BYTES: usize = 255;
/// The most problems that an agent reports.
pub const PROBLEMS: usize = 20;
/// The longest problem, in bytes.
pub const PROBLEM_BYTES: usize = 500;
/// The longest account of how an op ended, in bytes.
pub const RESULT_BYTES: usize = 4096;
/// The most ops that an agent's journal tells of.
pub const JOURNAL_OPS: usize = 10_000;
/// The most versions of a package that a comparison names on each side.
pub const PACKAGE_VERSIONS: usize = 50;
/// The longest reason that a person may give, in characters.
pub const REASON_CHARS: usize = 500;
/// The longest name of a host, in characters.
pub const HOST_NAME_CHARS: usize = 63;

/// How many of a list are named where it is told in a sentence.
pub const NAMED: usize = 3;

/// The first [`NAMED`] of a list, and how many more there are: “a, b, c and 317 more”.
pub fn few<T: AsRef<str>>(all: &[T]) -> String {
    let named: Vec<_> = all.iter().take(NAMED).map(AsRef::as_ref).collect();
    match all.len().saturating_sub(NAMED) {
        0 => named.join(", "),
        more => format!("{} and {more} more", named.join(", ")),
    }
}

/// Cuts `text` to at most `max_bytes` bytes at a character boundary; what was cut shows as `…`.
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

/// Cuts `text` to at most `max_bytes` bytes on one line; what would break the line shows as `�`.
pub fn cut_line(text: &str, max_bytes: usize) -> String {
    if text.len() <= max_bytes && !text.contains(char::is_control) {
        return text.to_owned();
    }
    // Cut before as well: what replaces a character may be longer than it.
    let line: String = cut(text, max_bytes)
        .chars()
        .map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c })
        .collect();
    cut(&line, max_bytes)
}

/// An entry of a log, on one line whatever it quotes: only the line feed at its end is left.
pub fn log_line(entry: &str) -> String {
    let (body, end) = entry.strip_suffix('\n').map_or((entry, ""), |body| (body, "\n"));
    body.replace('\n', "\\n").replace('\r', "\\r") + end
}

/// Whether `name` can name a host: a DNS label (RFC 1123), so that it is safe in an address, a file name and
/// a log.
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
    fn of_a_long_list_the_first_are_named_and_the_others_counted() {
        assert_eq!(few::<&str>(&[]), "");
        assert_eq!(few(&["a", "b", "c"]), "a, b, c");
        assert_eq!(few(&["a", "b", "c", "d"]), "a, b, c and 1 more");
    }

    proptest! {
        #[test]
        fn a_cut_text_keeps_to_its_size(text in ".{0,80}", max in 0_usize..100) {
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
        assert_eq!(log_line("one\ntwo\r\n"), "one\\ntwo\\r\n");
        assert_eq!(log_line("one"), "one");
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
