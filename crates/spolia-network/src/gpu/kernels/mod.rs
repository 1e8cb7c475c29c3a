//! What runs on the device. Every kernel gives each value of its output one unit and each sum one order, fixed by shapes
//! alone, so the same call on the same device gives the same bytes.

// The body of a kernel is translated; it keeps to plain operators, so that every device has them.
#![allow(clippy::manual_div_ceil)]

pub(super) mod elementwise;
pub(super) mod norm;
pub(super) mod pool;
pub(super) mod product;

use cubecl::prelude::*;

/// Units of a cube.
pub(super) const UNITS: u32 = 256;

/// What a kernel takes four values at a time.
pub(super) type Four = Vector<f32, Const<4>>;

/// Images of `height` x `width` pixels, `stride` values from one to the next, `channels` of them from `offset` on.
#[derive(CubeLaunch, CubeType, Clone, Copy)]
pub(super) struct Shape {
    pub height: usize,
    pub width: usize,
    pub stride: usize,
    pub offset: usize,
    pub channels: usize,
}
