//! Secrets: tokens that machines and browsers show, and passwords that people type.
