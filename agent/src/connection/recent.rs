//! What a connection remembers about ops that are not in the journal: only the latest few, so that it cannot
//! grow without bound.

use std::collections::VecDeque;

use backstay_model::OpId;

/// Upper bound on the ops remembered.
const MOST: usize = 100;

/// A value for each of the latest ops.
#[derive(Debug)]
pub(super) struct Recent<T>(VecDeque<(OpId, T)>);

impl<T> Default for Recent<T> {
    fn default() -> Self {
        Self(VecDeque::new())
    }
}

impl<T> Recent<T> {
    /// Remembers a value for an op, in place of any earlier one.
    pub(super) fn insert(&mut self, op: OpId, what: T) {
        self.take(op);
        if self.0.len() == MOST {
            self.0.pop_front();
        }
        self.0.push_back((op, what));
    }

    /// Returns the op's value.
    pub(super) fn get_mut(&mut self, op: OpId) -> Option<&mut T> {
        self.0.iter_mut().find(|(of, _)| *of == op).map(|(_, what)| what)
    }

    /// Removes and returns the op's value.
    pub(super) fn take(&mut self, op: OpId) -> Option<T> {
        let at = self.0.iter().position(|(of, _)| *of == op)?;
        self.0.remove(at).map(|(_, what)| what)
    }

    /// Returns all ops and their values.
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (OpId, &mut T)> {
        self.0.iter_mut().map(|(op, what)| (*op, what))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_are_remembered() {
        let mut recent = Recent::default();
        let ops: Vec<_> = (0..=MOST).map(|_| OpId::new()).collect();
        for (number, op) in ops.iter().enumerate() {
            recent.insert(*op, number);
        }
        assert_eq!(recent.iter_mut().count(), MOST);
        assert_eq!(recent.take(ops[0]), None);
        recent.insert(ops[MOST], 7);
        assert_eq!(recent.get_mut(ops[MOST]), Some(&mut 7));
        assert_eq!(recent.take(ops[MOST]), Some(7));
        assert_eq!(recent.take(ops[MOST]), None);
    }
}
