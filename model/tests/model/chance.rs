//! Chooses the next step of a random run.

use stateright::Chooser;

use crate::Delivery;
use crate::step::Step;
use crate::world::World;

/// Prefers ordinary steps, so that faults occur at every stage of an op and not only at its start.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MostlyProgress;

/// One in this many steps is drawn from all possible steps, the others from the ordinary ones.
const ODDS: u64 = 8;

impl Chooser<Delivery> for MostlyProgress {
    type State = SplitMix;

    fn new_state(&self, seed: u64) -> SplitMix {
        SplitMix(seed)
    }

    fn choose_initial_state(&self, _chance: &mut SplitMix, _worlds: &[World]) -> usize {
        0
    }

    fn choose_action(&self, chance: &mut SplitMix, _world: &World, steps: &[Step]) -> usize {
        let progress: Vec<_> = (0..steps.len()).filter(|i| steps[*i].is_progress()).collect();
        if progress.is_empty() || chance.below(ODDS) == 0 {
            chance.index(steps.len())
        } else {
            progress[chance.index(progress.len())]
        }
    }
}

/// Pseudo-random numbers by `SplitMix64` (Steele, Lea, Flood, 2014), the same for a seed on every machine and
/// in every version.
#[derive(Debug, Clone)]
pub(crate) struct SplitMix(u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn index(&mut self, length: usize) -> usize {
        usize::try_from(self.below(length as u64)).expect("it is smaller than the length")
    }
}
