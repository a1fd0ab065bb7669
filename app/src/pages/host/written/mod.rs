//! The parts of a host's page that the server alone writes. They are long, and the browser has nothing to
//! compute for them, so their code need not be sent.

mod facts;
mod now;
mod own_tests;
mod timeline;

use backstay_model::view::HostDetail;
use backstay_model::{OpId, Person};
use leptos::prelude::*;

use crate::api::WrittenHost;
use crate::components::with_log;
use crate::routes::Route;

/// Returns the address of an op's log on the page.
type LogAddress<'a> = &'a dyn Fn(OpId) -> String;

/// Writes them, for this person.
pub(crate) fn written(detail: &HostDetail, reader: &Person) -> WrittenHost {
    let page = Route::Host(&detail.host.name).path();
    let log = |op| with_log(&page, op);
    WrittenHost {
        now: now::now(detail).to_html(),
        tests: own_tests::tests(detail, &log).to_html(),
        worked: timeline::worked(detail).to_html(),
        pictures: timeline::pictures(&detail.timeline, &log).to_html(),
        past: timeline::list(detail, &log, reader).to_html(),
        facts: facts::facts(detail).to_html(),
    }
}
