//! Processors for which there is no code of our own: no value of these types exists.

use super::Block;

/// None on this processor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Instructions {}

impl Instructions {
    /// None.
    pub const ALL: [Self; 0] = [];

    /// Never called.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {}
    }

    /// Never called.
    #[must_use]
    pub fn are_detected(self) -> bool {
        match self {}
    }
}

/// None on this processor.
#[derive(Clone)]
pub struct Aes128Ctr(Instructions);

impl Aes128Ctr {
    /// Never called.
    #[must_use]
    pub fn new(instructions: Instructions, _key: &Block, _counter: u128) -> Option<Self> {
        match instructions {}
    }

    /// Never called.
    pub fn fill(&self, _first: u64, _blocks: &mut [Block]) {
        match self.0 {}
    }

    /// Never called.
    #[must_use]
    pub fn compare(&self, _first: u64, _blocks: &[Block]) -> Option<usize> {
        match self.0 {}
    }
}
