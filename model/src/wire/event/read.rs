//! Parses an event whose kind is known beforehand from its name in the stream.
//!
//! [`serde`]'s tagged enums buffer the whole event until they find its tag, and build the event from the
//! buffer. That takes twice the time, and compiles every type in an event a second time: a large part of a
//! page's size.

use serde::Deserialize;
use serde::de::{DeserializeOwned, Error as _};

use super::{Event, Notice};
use crate::deployment::Deployment;
use crate::pull_request::PullRequests;
use crate::rollout::Rollout;
use crate::{HostId, HostView, OpId, OpView, OutputLine};

/// Fields of an event as in its JSON. Other fields are ignored.
macro_rules! body {
    ($name:ident { $($field:ident: $kind:ty),* }) => {
        #[derive(Deserialize)]
        struct $name { $($field: $kind),* }
    };
}

body!(Host { host: Box<HostView> });
body!(HostRemoved { id: HostId });
body!(Op { op: Box<OpView> });
body!(Output { op: OpId, lines: Vec<OutputLine> });
body!(OfDeployment { deployment: Box<Deployment> });
body!(OfRollout { rollout: Box<Rollout> });
body!(OfPullRequests { pull_requests: Box<PullRequests> });
body!(OfPr { number: u64, message: String });

impl Event {
    /// Parses the event with this name from `json`, as written by [`Event::name`] and serde.
    ///
    /// # Errors
    /// If there is no event with that name, or `json` does not hold one.
    pub fn parse(name: &str, json: &str) -> Result<Self, serde_json::Error> {
        fn of<T: DeserializeOwned>(json: &str) -> Result<T, serde_json::Error> {
            serde_json::from_str(json)
        }
        Ok(match name {
            "host" => Self::Host { host: of::<Host>(json)?.host },
            "host_removed" => Self::HostRemoved { id: of::<HostRemoved>(json)?.id },
            "op" => Self::Op { op: of::<Op>(json)?.op },
            "output" => {
                let Output { op, lines } = of(json)?;
                Self::Output { op, lines }
            }
            "deployment" => Self::Deployment { deployment: of::<OfDeployment>(json)?.deployment },
            "rollout" => Self::Rollout { rollout: of::<OfRollout>(json)?.rollout },
            "pull_requests" => {
                Self::PullRequests { pull_requests: of::<OfPullRequests>(json)?.pull_requests }
            }
            "notice" => Self::Notice(of::<Notice>(json)?),
            "pr_merged" => {
                let OfPr { number, message } = of(json)?;
                Self::PrMerged { number, message }
            }
            "pr_reverted" => {
                let OfPr { number, message } = of(json)?;
                Self::PrReverted { number, message }
            }
            "resync" => Self::Resync,
            _ => return Err(serde_json::Error::custom(format_args!("there is no event called {name}"))),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::event::{ALIVE, Tone};
    use crate::{OpStatus, Stream, sample};

    #[test]
    fn the_reference_names_every_event() {
        let reference = include_str!("../../../../docs/reference/addresses-and-events.md");
        for name in Event::NAMES.into_iter().chain([ALIVE]) {
            assert!(reference.contains(&format!("`{name}`")), "{name}");
        }
    }

    #[test]
    fn an_event_survives_the_round_trip() {
        let op = sample::op(sample::rollback_to(47), OpStatus::Running);
        let notice = Notice {
            host_name: Some("gpc0".into()),
            op: Some(op.id),
            by: Some("maria".into()),
            of_several: Some("were rolled back".into()),
            ..Notice::new(sample::now(), Tone::Good, "Rolled back to Gen 47")
        };
        let line = OutputLine { seq: 1, stream: Stream::Stdout, at: sample::now(), text: "done".into() };
        let events = [
            Event::HostRemoved { id: op.host },
            Event::Output { op: op.id, lines: vec![line] },
            Event::Op { op: Box::new(op) },
            Event::PullRequests { pull_requests: Box::default() },
            Event::Notice(notice),
            Event::PrMerged { number: 7, message: "Merged.".into() },
            Event::PrReverted { number: 7, message: "Reverted.".into() },
            Event::Resync,
        ];
        for event in events {
            let json = serde_json::to_string(&event).unwrap();
            assert_eq!(Event::parse(event.name(), &json).unwrap(), event);
        }
    }

    #[test]
    fn each_name_has_its_kind() {
        for name in Event::NAMES {
            match Event::parse(name, "[[]]") {
                Ok(event) => assert_eq!(event.name(), name),
                Err(error) => {
                    assert!(!error.to_string().contains("there is no event called"), "{name}: {error}");
                }
            }
        }
        assert!(Event::parse("nothing", "{}").unwrap_err().to_string().contains("nothing"));
    }
}
