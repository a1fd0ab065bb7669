//! The requests so far.

use parking_lot::Mutex;

use serde::Serialize;

/// A request as it arrived.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Asked {
    /// Its position among all requests, from 1.
    pub number: usize,
    /// Its method, in capitals.
    pub method: String,
    /// Its path as the client wrote it, without the query.
    pub path: String,
    /// The path within the repository: `pulls/42/merge` for `/repos/OWNER/NAME/pulls/42/merge`. The whole
    /// path if it is elsewhere.
    pub what: String,
    /// Its query.
    pub query: String,
    /// Its body.
    pub body: String,
    /// The status of its answer; `None` before the answer, and if the answer was lost.
    pub status: Option<u16>,
}

impl Asked {
    /// Returns whether it is this request, within the repository.
    pub fn is(&self, method: &str, what: &str) -> bool {
        self.method == method && self.what == what
    }
}

/// All requests, in order of arrival.
#[derive(Debug, Default)]
pub(crate) struct RequestLog(Mutex<Vec<Asked>>);

impl RequestLog {
    fn lock(&self) -> parking_lot::MutexGuard<'_, Vec<Asked>> {
        self.0.lock()
    }

    /// Records a request, and gives it its number.
    pub(crate) fn add(&self, mut asked: Asked) -> Asked {
        let mut log = self.lock();
        asked.number = log.len() + 1;
        log.push(asked.clone());
        asked
    }

    pub(crate) fn answered(&self, number: usize, status: u16) {
        if let Some(asked) = self.lock().get_mut(number - 1) {
            asked.status = Some(status);
        }
    }

    pub(crate) fn all(&self) -> Vec<Asked> {
        self.lock().clone()
    }
}
