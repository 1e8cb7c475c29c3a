//! The memory of a pass: one block, in which its schedule says where each buffer lies. It is kept between calls.

use std::ops::Range;

use crate::schedule::{Event, Schedule, Slot};

/// All buffers of a pass. A closed one has no values; what an open one holds at first is left over.
pub(crate) struct Buffers {
    images: usize,
    block: Vec<f32>,
    /// The block's first value on a cache line of its own.
    first: usize,
    activations: Vec<Range<usize>>,
    raw: Vec<Range<usize>>,
    gradients: Vec<Range<usize>>,
}

impl Buffers {
    /// Closed buffers of a plan with so many buffers and convolutions.
    pub fn new(images: usize, buffers: usize, convs: usize) -> Self {
        Self {
            images,
            block: Vec::new(),
            first: 0,
            activations: vec![0..0; buffers],
            raw: vec![0..0; convs + 1],
            gradients: vec![0..0; buffers],
        }
    }

    /// Closes all buffers, and makes the block as large as a schedule needs it.
    pub fn begin(&mut self, schedule: &Schedule) {
        const LINE: usize = 64;
        let all = [&mut self.activations, &mut self.raw, &mut self.gradients];
        all.into_iter().flatten().for_each(|place| *place = 0..0);
        let values = self.images * schedule.values + LINE / 4;
        if self.block.len() < values {
            self.block = Vec::new(); // the old one goes before the new one comes
            self.block = vec![0.0; values];
            self.first = self.block.as_ptr().align_offset(LINE).min(LINE / 4);
        }
    }

    /// Opens or closes a buffer, where the event says so.
    pub fn follow(&mut self, event: &Event) {
        match *event {
            Event::Open { slot, at, values } => {
                let from = self.first + self.images * at;
                *self.place(slot) = from..from + self.images * values;
            }
            Event::Close(slot) => *self.place(slot) = 0..0,
            _ => {}
        }
    }

    fn place(&mut self, slot: Slot) -> &mut Range<usize> {
        match slot {
            Slot::Activation(i) => &mut self.activations[i],
            Slot::Raw(i) => &mut self.raw[i],
            Slot::Gradient(i) => &mut self.gradients[i],
        }
    }

    /// A buffer's values.
    pub fn get(&self, slot: Slot) -> &[f32] {
        let place = match slot {
            Slot::Activation(i) => &self.activations[i],
            Slot::Raw(i) => &self.raw[i],
            Slot::Gradient(i) => &self.gradients[i],
        };
        &self.block[place.clone()]
    }

    /// The values of different buffers, to change in place.
    pub fn get_mut<const N: usize>(&mut self, slots: [Slot; N]) -> [&mut [f32]; N] {
        let places = slots.map(|slot| self.place(slot).clone());
        match self.block.get_disjoint_mut(places) {
            Ok(values) => values,
            Err(_) => unreachable!("a schedule puts no two open buffers in one place"),
        }
    }

    /// Bytes of the block.
    pub fn bytes(&self) -> usize {
        4 * self.block.len()
    }
}
