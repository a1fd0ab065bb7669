//! Cuts a stream of bytes into lines, in bounded memory.

use backstay_model::wire::limits::LINE_BYTES;

/// The end of a line that was cut.
const CUT: &str = " … (cut)";

/// Collects bytes until a line is complete.
#[derive(Debug, Default)]
pub(super) struct Lines {
    pending: Vec<u8>,
    cut: bool,
}

impl Lines {
    /// Takes bytes and passes on each line that they complete.
    pub(super) fn take(&mut self, mut bytes: &[u8], each: &mut impl FnMut(&str)) {
        while let Some(end) = bytes.iter().position(|&b| b == b'\n') {
            self.keep(&bytes[..end]);
            self.hand_over(each);
            bytes = &bytes[end + 1..];
        }
        self.keep(bytes);
    }

    /// Passes on a last line without a newline.
    pub(super) fn finish(&mut self, each: &mut impl FnMut(&str)) {
        if !self.pending.is_empty() {
            self.hand_over(each);
        }
    }

    fn keep(&mut self, bytes: &[u8]) {
        let room = LINE_BYTES - self.pending.len();
        self.cut |= bytes.len() > room;
        self.pending.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    fn hand_over(&mut self, each: &mut impl FnMut(&str)) {
        each(&line(&self.pending, self.cut));
        self.pending.clear();
        self.cut = false;
    }
}

fn line(bytes: &[u8], cut: bool) -> String {
    let text = String::from_utf8_lossy(bytes);
    // A terminal would show the last state of progress that overwrites itself.
    let text = text.strip_suffix('\r').unwrap_or(&text);
    let text = text.rsplit('\r').next().unwrap_or_default();
    // Replacement characters are longer than the bytes they replace.
    if !cut && text.len() <= LINE_BYTES {
        return text.to_owned();
    }
    let mut end = (LINE_BYTES - CUT.len()).min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}{CUT}", &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(parts: &[&[u8]]) -> Vec<String> {
        let mut lines = Lines::default();
        let mut all = vec![];
        let mut each = |line: &str| all.push(line.to_owned());
        for part in parts {
            lines.take(part, &mut each);
        }
        lines.finish(&mut each);
        all
    }

    #[test]
    fn lines_come_whole_however_they_arrive() {
        assert_eq!(split(&[b"a\nb", b"c\n", b"\nd"]), ["a", "bc", "", "d"]);
        assert!(split(&[]).is_empty());
    }

    #[test]
    fn what_is_not_utf_8_is_shown_as_such() {
        assert_eq!(split(&[b"a\xffb\n"]), ["a\u{fffd}b"]);
    }

    #[test]
    fn progress_shows_its_last_state() {
        assert_eq!(split(&[b"10 %\r50 %\r100 %\r\n"]), ["100 %"]);
    }

    #[test]
    fn a_long_line_is_cut_and_says_so() {
        for byte in [b'x', 0xff] {
            let all = split(&[&vec![byte; LINE_BYTES], &vec![byte; 3 * LINE_BYTES], b"\nnext"]);
            assert_eq!(all.len(), 2);
            assert!(all[0].len() <= LINE_BYTES && all[0].ends_with(CUT), "{}", all[0].len());
            assert_eq!(all[1], "next");
        }
        assert_eq!(split(&[&vec![b'x'; LINE_BYTES], b"\n"])[0].len(), LINE_BYTES);
    }
}
