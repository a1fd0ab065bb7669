//! Terminal output as styled text: colours and similar styles are kept, all other escape sequences are
//! dropped, and no character of the text is lost. Each line is independent: a colour ends with its line.

mod html;
mod palette;

use anstyle_parse::{DefaultCharAccumulator, Params, Parser, Perform};

pub(crate) use html::{Highlight, html};

/// The style of a piece of text. Colours are numbers of the sixteen that the style sheets define in readable
/// shades.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Style {
    /// The text colour.
    pub foreground: Option<u8>,
    /// The background colour.
    pub background: Option<u8>,
    /// Bold.
    pub bold: bool,
    /// Faint.
    pub dim: bool,
    /// Italic.
    pub italic: bool,
    /// Underlined.
    pub underline: bool,
    /// Text and background colour are swapped.
    pub reverse: bool,
    /// Struck through.
    pub strike: bool,
}

/// A piece of a line in one style.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// Its text.
    pub text: String,
    /// Its style.
    pub style: Style,
}

/// Splits a line into spans. Adjacent spans differ in style.
pub fn spans(line: &str) -> Vec<Span> {
    let mut reading = Reading::default();
    let mut parser = Parser::<DefaultCharAccumulator>::new();
    for byte in line.bytes() {
        parser.advance(&mut reading, byte);
    }
    reading.spans
}

/// A line without its escape sequences.
pub fn plain(line: &str) -> String {
    spans(line).into_iter().map(|span| span.text).collect()
}

#[derive(Default)]
struct Reading {
    spans: Vec<Span>,
    style: Style,
}

impl Perform for Reading {
    fn print(&mut self, c: char) {
        if c.is_control() {
            return;
        }
        match self.spans.last_mut() {
            Some(span) if span.style == self.style => span.text.push(c),
            _ => self.spans.push(Span { text: c.into(), style: self.style }),
        }
    }

    fn execute(&mut self, byte: u8) {
        if byte == b'\t' {
            // A tab is text, although the parser reports it as a control character.
            match self.spans.last_mut() {
                Some(span) if span.style == self.style => span.text.push('\t'),
                _ => self.spans.push(Span { text: "\t".into(), style: self.style }),
            }
        }
    }

    fn csi_dispatch(&mut self, params: &Params, intermediates: &[u8], ignore: bool, action: u8) {
        if action == b'm' && intermediates.is_empty() && !ignore {
            let params: Vec<&[u16]> = params.iter().collect();
            self.style = select(self.style, &params);
        }
    }
}

/// Select Graphic Rendition (ECMA-48, 8.3.117), with xterm's colours beyond the first eight.
fn select(mut style: Style, mut params: &[&[u16]]) -> Style {
    while let Some((param, rest)) = params.split_first() {
        params = rest;
        match *param {
            [] | [0] => style = Style::default(),
            [1] => style.bold = true,
            [2] => style.dim = true,
            [3] => style.italic = true,
            [4, 0] | [24] => style.underline = false,
            [4 | 21, ..] => style.underline = true,
            [7] => style.reverse = true,
            [9] => style.strike = true,
            [22] => (style.bold, style.dim) = (false, false),
            [23] => style.italic = false,
            [27] => style.reverse = false,
            [29] => style.strike = false,
            [n @ 30..=37] => style.foreground = colour(n - 30),
            [n @ 40..=47] => style.background = colour(n - 40),
            [n @ 90..=97] => style.foreground = colour(n - 90 + 8),
            [n @ 100..=107] => style.background = colour(n - 100 + 8),
            [39] => style.foreground = None,
            [49] => style.background = None,
            [38, more @ ..] => style.foreground = extended(more, &mut params).or(style.foreground),
            [48, more @ ..] => style.background = extended(more, &mut params).or(style.background),
            _ => {}
        }
    }
    style
}

fn colour(number: u16) -> Option<u8> {
    u8::try_from(number).ok()
}

/// One of 256 colours, or a true colour: written with colons within one parameter, or with semicolons over
/// several.
fn extended(within: &[u16], following: &mut &[&[u16]]) -> Option<u8> {
    let byte = |n: u16| u8::try_from(n).ok();
    match *within {
        [5, n] => return Some(palette::of_256(byte(n)?)),
        [2, r, g, b] | [2, _, r, g, b, ..] => return Some(palette::of_rgb(byte(r)?, byte(g)?, byte(b)?)),
        [] => {}
        _ => return None,
    }
    match **following {
        [[5], [n], ref rest @ ..] => {
            *following = rest;
            Some(palette::of_256(byte(*n)?))
        }
        [[2], [r], [g], [b], ref rest @ ..] => {
            *following = rest;
            Some(palette::of_rgb(byte(*r)?, byte(*g)?, byte(*b)?))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn seen(line: &str) -> Vec<(String, Style)> {
        spans(line).into_iter().map(|span| (span.text, span.style)).collect()
    }

    fn foreground(number: u8) -> Style {
        Style { foreground: Some(number), ..Style::default() }
    }

    #[test]
    fn colours_begin_and_end() {
        let line = "\x1b[31merror:\x1b[0m a \x1b[1;94mb\x1b[m";
        assert_eq!(
            seen(line),
            [
                ("error:".to_owned(), foreground(1)),
                (" a ".to_owned(), Style::default()),
                ("b".to_owned(), Style { bold: true, ..foreground(12) }),
            ]
        );
    }

    #[test]
    fn every_attribute_is_set_and_reset() {
        let all = Style {
            foreground: Some(2),
            background: Some(3),
            bold: true,
            dim: true,
            italic: true,
            underline: true,
            reverse: true,
            strike: true,
        };
        assert_eq!(seen("\x1b[1;2;3;4;7;9;32;43mx"), [("x".to_owned(), all)]);
        let back = "\x1b[1;2;3;4;7;9;32;43m\x1b[22;23;24;27;29;39;49mx";
        assert_eq!(seen(back), [("x".to_owned(), Style::default())]);
    }

    #[test]
    fn wider_palettes_are_reduced_to_sixteen() {
        for (written, number) in [
            ("38;5;196", 9),
            ("38;5;1", 1),
            ("38:5:46", 10),
            ("38;2;0;0;255", 12),
            ("38:2::255:255:255", 15),
            ("38:2:10:10:10", 0),
        ] {
            assert_eq!(
                seen(&format!("\x1b[{written}mx")),
                [("x".to_owned(), foreground(number))],
                "{written}"
            );
        }
        // A parameter after such a colour is an ordinary attribute again.
        let (_, style) = seen("\x1b[38;5;196;1mx").remove(0);
        assert!(style.bold);
    }

    #[test]
    fn other_sequences_are_dropped() {
        let link = "\x1b]8;;https://example.org\x1b\\text\x1b]8;;\x1b\\";
        for (line, text) in [
            ("\x1b[2K\x1b[1Gbuilding", "building"),
            (link, "text"),
            ("\x1b]0;title\x07x", "x"),
            ("\x1b[?25lx\x1b[>4;2my", "xy"),
            ("a\x08\x00b\u{9b}c", "abc"),
            ("a\tb", "a\tb"),
            ("\x1b[38;5mx\x1b[38;2;1mx\x1b[38:9:9mx\x1b[999;99999999999mx", "xxxx"),
        ] {
            assert_eq!(plain(line), text, "{line:?}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            spans(&String::from_utf8_lossy(&bytes));
        }

        #[test]
        fn never_panics_at_what_looks_like_colours(line in "(\x1b\\[[0-9:;]{0,12}m?[a-zé]?){0,12}") {
            spans(&line);
        }

        #[test]
        fn text_is_kept(parts in prop::collection::vec(("[^\\p{Cc}]{0,12}", prop::collection::vec(0u16..120, 0..4)), 0..12)) {
            let text: String = parts.iter().map(|(text, _)| text.as_str()).collect();
            let mut line = String::new();
            for (text, codes) in &parts {
                let codes: Vec<_> = codes.iter().map(ToString::to_string).collect();
                line.extend([text.as_str(), "\x1b[", codes.join(";").as_str(), "m"]);
            }
            prop_assert_eq!(plain(&line), text);
        }

        #[test]
        fn styles_differ_from_span_to_span(line in "(\x1b\\[[0-9;]{1,6}m|[a-z ]{1,3}){0,20}") {
            let spans = spans(&line);
            prop_assert!(spans.windows(2).all(|pair| pair[0].style != pair[1].style));
            prop_assert!(spans.iter().all(|span| !span.text.is_empty()));
        }
    }
}
