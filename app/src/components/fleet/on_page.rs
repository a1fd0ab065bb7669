//! Which rows are on the page: those near to what is seen, as soon as there is time to make them.

use leptos::html;
use leptos::prelude::*;
use web_sys::HtmlTableSectionElement;

use super::window::Window;
use crate::browser::{self, Nearness};
use crate::live::{Live, Row};

/// How many rows are made at a time: so many fit into a frame, with what the browser does to show them.
const STEP: usize = 3;
/// More rows than a chunk has.
const ALL: usize = usize::MAX;

/// Whether the rows of a chunk are on the page.
#[derive(Clone, Copy)]
pub(super) struct OnPage {
    window: Window,
    rows: Memo<Vec<Row>>,
    /// Whether they are near to what is seen.
    near: RwSignal<bool>,
    /// How many of them are there at most.
    there: RwSignal<usize>,
    /// How high they were when they were there last.
    height: RwSignal<Option<Height>>,
}

/// How high so many rows are, in pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Height {
    rows: usize,
    high: f64,
}

impl OnPage {
    /// These rows of a page, which are there from the beginning or not.
    pub(super) fn new(window: Window, rows: Memo<Vec<Row>>, first: bool) -> Self {
        Self {
            window,
            rows,
            near: RwSignal::new(first),
            there: RwSignal::new(if first { ALL } else { 0 }),
            height: RwSignal::new(None),
        }
    }

    /// The rows that are to be on the page.
    pub(super) fn there(self) -> Vec<Row> {
        let there = self.count();
        self.rows.with(|rows| rows[..there].to_vec())
    }

    /// How many are not.
    pub(super) fn away(self) -> usize {
        self.rows.with(Vec::len) - self.count()
    }

    /// How much room to leave for those, in pixels.
    pub(super) fn room(self) -> f64 {
        let away = self.away();
        match self.height.get() {
            Some(known) if known.rows == away => known.high,
            _ => self.window.room(away),
        }
    }

    /// How many are.
    fn count(self) -> usize {
        let rows = self.rows.with(Vec::len);
        if self.window.many.get() { self.there.get().min(rows) } else { rows }
    }

    /// Puts the rows onto the page when they are about to be seen, and takes them off again when they are far away.
    /// Effects run in browsers alone.
    pub(super) fn follow(self, body: NodeRef<html::Tbody>) {
        // What an effect returns is kept until it runs again or its owner goes.
        Effect::new(move |_: Option<Option<Nearness>>| {
            let body = body.get()?;
            let heard = {
                let body = body.clone();
                move |is_near| self.hear(&body, is_near)
            };
            Nearness::watch(&body, heard)
        });
        self.follow_keyboard();
        // Rows of another kind have other heights.
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
        self.see_to_it(body);
    }

    /// Has what is due done, if anything is and the page is still there.
    fn see_to_it(self, body: &HtmlTableSectionElement) {
        let (Some(near), Some(there)) = (self.near.try_get_untracked(), self.there.try_get_untracked())
        else {
            return;
        };
        if there != if near { ALL } else { 0 } {
            let part = body.clone();
            browser::in_turn(body, move || self.settle(&part));
        }
    }

    /// Puts the next few rows onto the page, or takes all off it.
    fn settle(self, body: &HtmlTableSectionElement) {
        let Some(near) = self.near.try_get_untracked() else { return };
        if near {
            let rows = self.rows.with_untracked(Vec::len);
            let next = self.there.get_untracked().saturating_add(STEP);
            self.there.set(if next < rows { next } else { ALL });
            self.see_to_it(body);
        } else if !browser::has_focus(body) {
            // What somebody is at stays.
            self.there.set(0);
        }
    }

    /// Puts the rows onto the page at once where somebody goes to one of them by keyboard.
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
