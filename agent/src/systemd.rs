//! The host's init system.

use std::path::Path;

/// Whether systemd runs this system (`sd_booted(3)`).
pub(crate) fn is_running() -> bool {
    Path::new("/run/systemd/system").exists()
}
