//! Git settings that server and agent share.

/// Environment variables that stop git and its ssh and credential helpers from prompting for a password, on a
/// terminal or in a window: nobody is there to answer, and an op would wait forever.
pub const NON_INTERACTIVE: [(&str, &str); 5] = [
    ("GIT_TERMINAL_PROMPT", "0"),
    ("GIT_ASKPASS", ""),
    ("SSH_ASKPASS", ""),
    ("SSH_ASKPASS_REQUIRE", "never"),
    ("GCM_INTERACTIVE", "never"),
];
