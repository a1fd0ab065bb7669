//! How server and agent both run git.

/// Variables that keep git, and the ssh and credential helpers that it runs, from asking anybody for a password, on a
/// terminal or in a window: nobody is there, and an op would wait for the answer.
pub const ASKING_NOBODY: [(&str, &str); 5] = [
    ("GIT_TERMINAL_PROMPT", "0"),
    ("GIT_ASKPASS", ""),
    ("SSH_ASKPASS", ""),
    ("SSH_ASKPASS_REQUIRE", "never"),
    ("GCM_INTERACTIVE", "never"),
];
