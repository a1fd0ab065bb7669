//! The fleet page, complete without a server behind it.

use backstay_model::{Column, Density, Person, PersonView, Role};
use leptos::prelude::*;

use super::super::sample::{gpc0, odd, start};
use super::begin;
use crate::api::HostPageData;
use crate::components::Selection;
use crate::live::Live;
use crate::pages::fleet::Hosts;
use crate::pages::host;

/// A host in each status.
pub(super) fn fleet(live: Live) -> AnyView {
    begin(live);
    hosts(live)
}

/// The same, for a viewer.
pub(super) fn viewer(live: Live) -> AnyView {
    let mut start = start();
    start.person.role = Role::Viewer;
    live.begin(start);
    hosts(live)
}

/// The same with less space per host, and fewer columns.
pub(super) fn dense(live: Live) -> AnyView {
    let mut start = start();
    start.view = PersonView::showing(
        Some(Density::Compact),
        [Column::System, Column::Tests, Column::Generation, Column::Now],
    );
    live.begin(start);
    hosts(live)
}

/// A fleet without hosts, for an administrator.
pub(super) fn empty(live: Live) -> AnyView {
    let mut start = start();
    start.person.role = Role::Admin;
    start.snapshot.hosts.clear();
    live.begin(start);
    hosts(live)
}

/// Who reads the pages of hosts.
fn reader() -> Person {
    Person::new("maria", Role::Operator)
}

/// The page of one host, with its past.
pub(super) fn host(live: Live) -> AnyView {
    begin(live);
    gpc0().map(|detail| view! { <host::Found detail=HostPageData::of(detail, &reader())/> }).into_any()
}

/// The page of a host with very long names and lists.
pub(super) fn odd_host(live: Live) -> AnyView {
    begin(live);
    odd().map(|detail| view! { <host::Found detail=HostPageData::of(detail, &reader())/> }).into_any()
}

/// The same host among others.
pub(super) fn odd_fleet(live: Live) -> AnyView {
    let mut start = start();
    start.snapshot.hosts.truncate(2);
    start.snapshot.hosts.extend(odd().map(|detail| detail.host));
    live.begin(start);
    hosts(live)
}

fn hosts(live: Live) -> AnyView {
    Selection::provide(live);
    view! { <Hosts live/> }.into_any()
}
