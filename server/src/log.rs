//! The log's output.

use std::io::{self, Write};

use backstay_model::wire::limits::log_line;

/// Writes entries to standard error, each on one line whatever it quotes, so that quoted text cannot forge an entry.
pub(crate) struct OneLineEach;

impl Write for OneLineEach {
    fn write(&mut self, entry: &[u8]) -> io::Result<usize> {
        let line = log_line(&String::from_utf8_lossy(entry));
        io::stderr().lock().write_all(line.as_bytes())?;
        Ok(entry.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}
