//! People: first administrator, log-in, sessions.
