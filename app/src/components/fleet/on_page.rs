//! Which rows are on the page: those near the viewport, as soon as there is time to render them.

use leptos::html;
use leptos::prelude::*;
use web_sys::HtmlTableSectionElement;

use super::window::Window;
use crate::browser::{self, Nearness};
use crate::live::{Live, Row};

/// Number of rows rendered at a time: as many as a frame allows, including layout and painting.
const STEP: usize = 3;
/// More rows than a chunk has.
const ALL: usize = usize::MAX;

/// Whether the rows of a chunk are on the page.
#[derive(Clone, Copy)]
pub(super) struct OnPage {
    window: Window,
    rows: Memo<Vec<Row>>,
    /// Whether they are near the viewport.
    near: RwSignal<bool>,
    /// Upper bound on the rows that are on the page.
    there: RwSignal<usize>,
    /// Their height when they were last on the page.
    height: RwSignal<Option<Height>>,
}

/// The height of a number of rows, in pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Height {
    rows: usize,
    high: f64,
}

impl OnPage {
    /// Tracks these rows; `first` says whether they are on the page from the start.
    pub(super) fn new(window: Window, rows: Memo<Vec<Row>>, first: bool) -> Self {
        Self {
            window,
            rows,
            near: RwSignal::new(first),
            there: RwSignal::new(if first { ALL } else { 0 }),
            height: RwSignal::new(None),
        }
    }

    /// The rows that belong on the page.
    pub(super) fn there(self) -> Vec<Row> {
        let there = self.count();
        self.rows.with(|rows| rows[..there].to_vec())
    }

    /// Number of rows that do not.
    pub(super) fn away(self) -> usize {
        self.rows.with(Vec::len) - self.count()
    }

    /// The space to reserve for those, in pixels.
    pub(super) fn room(self) -> f64 {
        let away = self.away();
        match self.height.get() {
            Some(known) if known.rows == away => known.high,
            _ => self.window.room(away),
        }
    }

    /// Number of rows that belong on the page.
    fn count(self) -> usize {
        let rows = self.rows.with(Vec::len);
        if self.window.many.get() { self.there.get().min(rows) } else { rows }
    }

    /// Adds the rows to the page when they come near the viewport, and removes them when they are far away.
    /// Effects run only in browsers.
    pub(super) fn follow(self, body: NodeRef<html::Tbody>) {
        // The return value lives until the effect runs again or its owner is dropped.
        Effect::new(move |_: Option<Option<Nearness>>| {
            let body = body.get()?;
            let heard = {
                let body = body.clone();
                move |is_near| self.hear(&body, is_near)
            };
            Nearness::watch(&body, heard)
        });
        self.follow_keyboard();
        // Rows in another density have other heights.
        let view = expect_context::<Live>().view();
        Effect::new(move |_| {
            view.track();
            self.height.set(None);
        });
    }

    fn hear(self, body: &HtmlTableSectionElement, is_near: bool) {
        if let Some(high) = browser::extent(body, "[data-host]") {
            let rows = untrack(|| self.count());
            self.height.set(Some(Height { rows, high }));
            self.window.measured(high, rows);
        }
        self.near.set(is_near);
        self.schedule(body);
    }

    /// Schedules the next step, if one is due and the page still exists.
    fn schedule(self, body: &HtmlTableSectionElement) {
        let (Some(near), Some(there)) = (self.near.try_get_untracked(), self.there.try_get_untracked())
        else {
            return;
        };
        if there != if near { ALL } else { 0 } {
            let part = body.clone();
            browser::in_turn(body, move || self.settle(&part));
        }
    }

    /// Adds the next few rows to the page, or removes all of them.
    fn settle(self, body: &HtmlTableSectionElement) {
        let Some(near) = self.near.try_get_untracked() else { return };
        if near {
            let rows = self.rows.with_untracked(Vec::len);
            let next = self.there.get_untracked().saturating_add(STEP);
            self.there.set(if next < rows { next } else { ALL });
            self.schedule(body);
        } else if !browser::has_focus(body) {
            // Rows that hold the focus stay.
            self.there.set(0);
        }
    }

    /// Adds the rows to the page at once if a person moves to one of them by keyboard.
    fn follow_keyboard(self) {
        let Some(wanted) = self.window.wanted else { return };
        Effect::new(move |_| {
            let has = |host| self.rows.with_untracked(|rows| rows.iter().any(|row| row.id == host));
            if wanted.get().is_some_and(has) {
                self.near.set(true);
                self.there.set(ALL);
            }
        });
    }
}
