//! Which rows are on the page: those near to what is seen, as soon as there is time to make them.

use leptos::html;
use leptos::prelude::*;
use web_sys::HtmlTableSectionElement;

use super::window::Window;
use crate::browser::{self, Nearness};
use crate::live::{Live, Row};

/// Whether the rows of a chunk are on the page.
#[derive(Clone, Copy)]
pub(super) struct OnPage {
    window: Window,
    rows: Memo<Vec<Row>>,
    /// Whether they are near to what is seen.
    near: RwSignal<bool>,
    /// Whether they are there.
    there: RwSignal<bool>,
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
            there: RwSignal::new(first),
            height: RwSignal::new(None),
        }
    }

    /// The rows that are to be on the page.
    pub(super) fn there(self) -> Vec<Row> {
        if self.are_there() { self.rows.get() } else { vec![] }
    }

    /// How many are not.
    pub(super) fn away(self) -> usize {
        if self.are_there() { 0 } else { self.rows.with(Vec::len) }
    }

    /// How much room to leave for those, in pixels.
    pub(super) fn room(self) -> f64 {
        let away = self.away();
        match self.height.get() {
            Some(known) if known.rows == away => known.high,
            #[expect(clippy::cast_precision_loss, reason = "a few rows")]
            _ => self.window.row.get() * away as f64,
        }
    }

    fn are_there(self) -> bool {
        self.there.get() || !self.window.many.get()
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
            let rows = self.rows.with_untracked(Vec::len);
            self.height.set(Some(Height { rows, high }));
            self.window.measured(high, rows);
        }
        self.near.set(is_near);
        if self.is_due() {
            let part = body.clone();
            browser::in_turn(body, move || self.settle(&part));
        }
    }

    fn is_due(self) -> bool {
        self.near.try_get_untracked() != self.there.try_get_untracked()
    }

    /// Does what is due, if the page is still there and it still is.
    fn settle(self, body: &HtmlTableSectionElement) {
        // What somebody is at stays.
        if self.is_due() && (self.near.get_untracked() || !browser::has_focus(body)) {
            self.there.set(self.near.get_untracked());
        }
    }

    /// Puts the rows onto the page at once where somebody goes to one of them by keyboard.
    fn follow_keyboard(self) {
        let Some(wanted) = self.window.wanted else { return };
        Effect::new(move |_| {
            let has = |host| self.rows.with_untracked(|rows| rows.iter().any(|row| row.id == host));
            if wanted.get().is_some_and(has) {
                self.near.set(true);
                self.there.set(true);
            }
        });
    }
}
