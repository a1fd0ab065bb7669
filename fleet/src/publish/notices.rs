//! Notices: sentences for every open page, kept for people who were not looking.

use backstay_model::OpView;
use backstay_model::wire::event::{Notice, StoredNotice, Tone};

use crate::fleet::Fleet;

impl Fleet {
    /// Shows a notice on every open page.
    pub(crate) fn notify(&self, tone: Tone, text: String) {
        self.put_notice(Notice { at: self.clock.now(), tone, text, host_name: None, op: None });
    }

    /// Shows a notice about an op and its host.
    pub(crate) fn notify_about_op(&self, op: &OpView, tone: Tone, text: String) {
        let host_name = Some(op.host_name.clone());
        self.put_notice(Notice { at: self.clock.now(), tone, text, host_name, op: Some(op.id) });
    }

    /// Shows a notice about a host.
    pub(crate) fn notify_about_host(&self, name: &str, tone: Tone, text: String) {
        let host_name = Some(name.to_owned());
        self.put_notice(Notice { at: self.clock.now(), tone, text, host_name, op: None });
    }

    /// The kept notices, newest first.
    pub fn notices(&self) -> Vec<StoredNotice> {
        self.notices.newest_first()
    }

    fn put_notice(&self, notice: Notice) {
        self.notices.publish(&self.events, notice);
    }
}
