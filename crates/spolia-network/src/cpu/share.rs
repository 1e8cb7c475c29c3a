//! Views of activations that several tasks read, or write at disjoint places.

use std::{cell::RefCell, thread::LocalKey};

use crate::plan::{Area, View};

/// Where the values of a view lie: `images` x `height` x `width` pixels, `stride` floats from one pixel to the next,
/// `channels` of them from `offset` on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout {
    pub images: usize,
    pub height: usize,
    pub width: usize,
    pub stride: usize,
    pub offset: usize,
    pub channels: usize,
}

impl Layout {
    pub fn new(images: usize, area: Area, view: View) -> Self {
        Self {
            images,
            height: area.height,
            width: area.width,
            stride: area.channels,
            offset: view.offset,
            channels: view.channels,
        }
    }

    /// Pixels of all images.
    pub fn pixels(&self) -> usize {
        self.images * self.height * self.width
    }
}

/// A pointer that tasks share. Each task writes only where no other reads or writes; the caller says why.
#[derive(Clone, Copy)]
pub(crate) struct Shared(*mut f32);

unsafe impl Send for Shared {}
unsafe impl Sync for Shared {}

impl Shared {
    pub fn new(values: &mut [f32]) -> Self {
        Self(values.as_mut_ptr())
    }

    pub fn at(&self, index: usize) -> *mut f32 {
        self.0.wrapping_add(index)
    }

    /// # Safety
    /// The range lies in the slice that the pointer was made of, and no other task touches it meanwhile.
    #[allow(clippy::mut_from_ref)] // disjointness is the caller's, see the type
    pub unsafe fn slice(&self, from: usize, len: usize) -> &mut [f32] {
        unsafe { std::slice::from_raw_parts_mut(self.0.add(from), len) }
    }
}

thread_local! {
    static SCRATCH: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
    static SUMS: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
}

/// This thread's scratch of `floats` values, whatever they hold.
pub(super) fn with_scratch<R>(floats: usize, work: impl FnOnce(&mut [f32]) -> R) -> R {
    kept(&SCRATCH, floats, work)
}

/// The same for what tasks add to, whose own scratch is another.
pub(super) fn with_sums<R>(floats: usize, work: impl FnOnce(&mut [f32]) -> R) -> R {
    kept(&SUMS, floats, work)
}

/// While the work runs nobody holds the cell: this thread may meanwhile be given a task that asks for it too.
fn kept<R>(
    cell: &'static LocalKey<RefCell<Vec<f32>>>,
    floats: usize,
    work: impl FnOnce(&mut [f32]) -> R,
) -> R {
    let mut values = cell.take();
    if values.len() < floats {
        values.resize(floats, 0.0);
    }
    let result = work(&mut values[..floats]);
    cell.set(values);
    result
}
