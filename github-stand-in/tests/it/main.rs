//! The stand-in, held against git and against GitHub's own description of its API.
