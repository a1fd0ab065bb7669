//! Notices: sentences for every open page, kept for people who were not looking.

use backstay_model::wire::event::{Notice, StoredNotice, Tone};
use backstay_model::{OpKind, OpView};

use crate::fleet::Fleet;

impl Fleet {
    /// Tells everybody who has a page open.
    pub(crate) fn notify(&self, tone: Tone, text: String) {
        self.put_notice(Notice::new(self.clock.now(), tone, text));
    }

    /// Tells about something that a person began.
    pub(crate) fn notify_begun_by(&self, by: &str, tone: Tone, text: String) {
        self.put_notice(Notice { by: Some(by.to_owned()), ..Notice::new(self.clock.now(), tone, text) });
    }

    /// Tells the result of an op on its host.
    pub(crate) fn notify_about_op(&self, op: &OpView, tone: Tone, text: String) {
        self.put_notice(Notice {
            host_name: Some(op.host_name.clone()),
            op: Some(op.id),
            by: Some(op.requested_by.clone()),
            of_several: Some(of_several(op.action.kind(), tone)),
            ..Notice::new(self.clock.now(), tone, text)
        });
    }

    /// Tells about a host.
    pub(crate) fn notify_about_host(&self, name: &str, tone: Tone, text: String) {
        self.put_notice(Notice {
            host_name: Some(name.to_owned()),
            ..Notice::new(self.clock.now(), tone, text)
        });
    }

    /// The kept notices, newest first.
    pub fn notices(&self) -> Vec<StoredNotice> {
        self.notices.newest_first()
    }

    fn put_notice(&self, notice: Notice) {
        self.notices.publish(&self.events, notice);
    }
}

/// The result of one kind of op on several hosts, such as “failed their tests”.
fn of_several(kind: OpKind, tone: Tone) -> String {
    match (kind, tone) {
        (OpKind::Test, Tone::Bad) => "failed their tests".to_owned(),
        (kind, Tone::Bad) => format!("failed: {}", kind.title()),
        (OpKind::Test, _) => "passed their tests".to_owned(),
        (kind, _) => format!("were {}", kind.done()),
    }
}
