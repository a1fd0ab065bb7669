//! Gates, with which a test pauses the stand-in between two requests.

use parking_lot::Mutex;
use std::sync::{Arc, Weak};

use http::StatusCode;
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::{mpsc, oneshot};

use super::Asked;

/// When a request is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Moment {
    /// Before anything is done.
    Before,
    /// After everything is done, before the answer is sent.
    After,
}

/// The fate of a stopped request.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// It continues.
    Go,
    /// The connection ends without an answer.
    HangUp,
    /// It gets this answer.
    Answer(StatusCode, Value),
}

type Matches = Box<dyn Fn(&Asked) -> bool + Send + Sync>;

struct Post {
    moment: Moment,
    matches: Matches,
    stopped: mpsc::UnboundedSender<Stopped>,
}

/// Stops every matching request, until it is dropped.
pub struct Gate {
    stopped: mpsc::UnboundedReceiver<Stopped>,
    _post: Arc<Post>,
}

/// A stopped request. It continues when this is dropped.
#[derive(Debug)]
pub struct Stopped {
    asked: Asked,
    verdict: oneshot::Sender<Verdict>,
}

impl Gate {
    /// Waits until a request is stopped here.
    ///
    /// # Panics
    /// Never: the sender lives until the gate is dropped.
    pub async fn stops(&mut self) -> Stopped {
        self.stopped.recv().await.expect("the gate itself keeps the sender")
    }
}

impl Stopped {
    /// The request.
    pub fn asked(&self) -> &Asked {
        &self.asked
    }

    /// Lets it continue.
    pub fn let_go(self) {
        self.decide(Verdict::Go);
    }

    /// Ends the connection without an answer. Whatever was done by then stays done.
    pub fn hang_up(self) {
        self.decide(Verdict::HangUp);
    }

    /// Sends this answer instead of the stand-in's own.
    pub fn answer(self, status: StatusCode, body: Value) {
        self.decide(Verdict::Answer(status, body));
    }

    fn decide(self, verdict: Verdict) {
        // The client may have gone since.
        drop(self.verdict.send(verdict));
    }
}

/// All open gates.
#[derive(Default)]
pub(crate) struct Gates(Mutex<Vec<Weak<Post>>>);

impl Gates {
    pub(crate) fn add(
        &self,
        moment: Moment,
        matches: impl Fn(&Asked) -> bool + Send + Sync + 'static,
    ) -> Gate {
        let (sender, stopped) = mpsc::unbounded_channel();
        let post = Arc::new(Post { moment, matches: Box::new(matches), stopped: sender });
        self.lock().push(Arc::downgrade(&post));
        Gate { stopped, _post: post }
    }

    /// Takes a request through every gate that matches.
    pub(crate) async fn pass(&self, moment: Moment, asked: &Asked) -> Verdict {
        for waiting in self.stop(moment, asked) {
            // If the gate or the stopped request is gone, the request continues.
            match waiting.await {
                Ok(Verdict::Go) | Err(_) => {}
                Ok(verdict) => return verdict,
            }
        }
        Verdict::Go
    }

    fn stop(&self, moment: Moment, asked: &Asked) -> Vec<oneshot::Receiver<Verdict>> {
        let mut posts = self.lock();
        posts.retain(|post| post.strong_count() > 0);
        let live = posts.iter().filter_map(Weak::upgrade);
        live.filter(|post| post.moment == moment && (post.matches)(asked))
            .map(|post| {
                let (verdict, waiting) = oneshot::channel();
                drop(post.stopped.send(Stopped { asked: asked.clone(), verdict }));
                waiting
            })
            .collect()
    }

    fn lock(&self) -> parking_lot::MutexGuard<'_, Vec<Weak<Post>>> {
        self.0.lock()
    }
}
