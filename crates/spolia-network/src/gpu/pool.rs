//! Pools on a device, forward and their gradients.

use cubecl::prelude::*;

use super::{
    kernels::{
        UNITS,
        pool::{self, SquareLaunch},
    },
    runner::{Image, Runner},
};
use crate::graph::Window;

impl Runner {
    pub fn maximum(&self, window: Window, x: &Image, y: &Image) {
        // Safety: every unit checks its place against the length.
        unsafe {
            pool::maximum::launch_unchecked(
                &self.client,
                self.count(y.len()),
                CubeDim::new_1d(UNITS),
                x.values.arg(),
                y.values.arg(),
                x.shape(),
                y.shape(),
                square(window),
                y.len(),
            );
        }
    }

    /// dx (+)= the gradient through the maxima.
    pub fn maximum_gradient(
        &self,
        window: Window,
        (x, y): (&Image, &Image),
        dy: &Image,
        dx: &Image,
        add: bool,
    ) {
        // Safety: as above.
        unsafe {
            pool::maximum_gradient::launch_unchecked(
                &self.client,
                self.count(dx.len()),
                CubeDim::new_1d(UNITS),
                x.values.arg(),
                y.values.arg(),
                dy.values.arg(),
                dx.values.arg(),
                dx.shape(),
                dy.shape(),
                square(window),
                dx.len(),
                u32::from(add),
            );
        }
    }

    pub fn average(&self, window: Window, count_padding: bool, x: &Image, y: &Image) {
        // Safety: as above.
        unsafe {
            pool::average::launch_unchecked(
                &self.client,
                self.count(y.len()),
                CubeDim::new_1d(UNITS),
                x.values.arg(),
                y.values.arg(),
                x.shape(),
                y.shape(),
                square(window),
                y.len(),
                count_padding,
            );
        }
    }

    /// dx (+)= the gradient through the means.
    pub fn average_gradient(
        &self,
        window: Window,
        count_padding: bool,
        dy: &Image,
        dx: &Image,
        add: bool,
    ) {
        // Safety: as above.
        unsafe {
            pool::average_gradient::launch_unchecked(
                &self.client,
                self.count(dx.len()),
                CubeDim::new_1d(UNITS),
                dy.values.arg(),
                dx.values.arg(),
                dx.shape(),
                dy.shape(),
                square(window),
                dx.len(),
                u32::from(add),
                count_padding,
            );
        }
    }

    pub fn global(&self, x: &Image, y: &Image) {
        // Safety: as above.
        unsafe {
            pool::global::launch_unchecked(
                &self.client,
                self.count(y.len()),
                CubeDim::new_1d(UNITS),
                x.values.arg(),
                y.values.arg(),
                x.shape(),
                y.shape(),
                y.len(),
            );
        }
    }

    /// dx (+)= dy shared out evenly.
    pub fn global_gradient(&self, dy: &Image, dx: &Image, add: bool) {
        // Safety: as above.
        unsafe {
            pool::global_gradient::launch_unchecked(
                &self.client,
                self.count(dx.len()),
                CubeDim::new_1d(UNITS),
                dy.values.arg(),
                dx.values.arg(),
                dx.shape(),
                dy.shape(),
                dx.len(),
                u32::from(add),
            );
        }
    }
}

fn square(window: Window) -> SquareLaunch {
    SquareLaunch::new(window.size, window.stride, window.padding)
}
