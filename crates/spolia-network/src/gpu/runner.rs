//! A device and the steps that run on it. Values lie there as on the CPU, N H W C, with room for a multiple of four
//! channels in every pixel.

use std::time::Instant;

use cubecl::{
    bytes::Bytes, calculate_cube_count_elemwise, client::Client, prelude::*, server::Handle,
};

use super::kernels::{
    ShapeLaunch, UNITS,
    elementwise::{self, affine, affine_gradient, combine, dense, fill},
};
use crate::{
    Error, ReluGradient, Tensor,
    cpu::Layout,
    plan::{Area, Plan, Step, View},
    profile::{Meter, Way},
};

/// Nothing is below this.
pub(super) const NO_FLOOR: f32 = f32::MIN;

/// Single-precision values on the device.
#[derive(Clone)]
pub(super) struct Values {
    pub handle: Handle,
    pub len: usize,
}

impl Values {
    /// As an argument of a kernel that takes single values.
    pub fn arg(&self) -> BufferArg {
        // Safety: the handle was made for `len` values.
        unsafe { BufferArg::from_raw_parts(self.handle.clone(), self.len) }
    }

    /// As an argument of a kernel that takes fours.
    pub fn fours(&self) -> BufferArg {
        // Safety: as above; lengths are multiples of 4.
        unsafe { BufferArg::from_raw_parts(self.handle.clone(), self.len / 4) }
    }
}

/// A view of values.
#[derive(Clone)]
pub(super) struct Image {
    pub values: Values,
    pub layout: Layout,
    /// Are the channels behind the view's last, up to a multiple of four, zeros?
    pub zeros_behind: bool,
}

impl Image {
    /// Its values: pixels times channels.
    pub fn len(&self) -> usize {
        self.layout.pixels() * self.layout.channels
    }

    /// Where its values lie, for a kernel.
    pub fn shape(&self) -> ShapeLaunch {
        let l = &self.layout;
        ShapeLaunch::new(l.height, l.width, l.stride, l.offset, l.channels)
    }
}

/// The next multiple of four.
pub(super) fn fours(n: usize) -> usize {
    n.next_multiple_of(4)
}

/// Where a view of a plan's buffer lies on the device.
pub(super) fn layout(images: usize, area: Area, view: View) -> Layout {
    Layout {
        stride: fours(area.channels),
        ..Layout::new(images, area, view)
    }
}

/// Runs kernels on a device.
#[derive(Clone)]
pub(super) struct Runner {
    pub client: Client,
    pub device: &'static str,
}

impl Runner {
    /// Room for values, which are not set.
    ///
    /// # Errors
    /// [`Error::TooLarge`] where kernels could not number them.
    pub fn empty(&self, len: usize) -> Result<Values, Error> {
        let len = fours(len.max(1));
        if len > i32::MAX as usize {
            return Err(Error::TooLarge {
                device: self.device,
                values: len,
            });
        }
        Ok(Values {
            handle: self.client.empty(4 * len),
            len,
        })
    }

    /// Room for a buffer of a plan.
    pub fn room(&self, images: usize, area: Area) -> Result<Values, Error> {
        self.empty(images * area.height * area.width * fours(area.channels))
    }

    pub fn zeros(&self, len: usize) -> Result<Values, Error> {
        let values = self.empty(len)?;
        self.fill(&values, 0.0);
        Ok(values)
    }

    pub fn fill(&self, values: &Values, value: f32) {
        // Safety: every unit checks its place against the length.
        unsafe {
            fill::launch_unchecked(
                &self.client,
                self.count(values.len),
                CubeDim::new_1d(UNITS),
                values.arg(),
                value,
                values.len,
            );
        }
    }

    /// Brings values to the device, without a copy on the way.
    pub fn upload(&self, values: Vec<f32>) -> Values {
        Values {
            len: values.len(),
            handle: self.client.create(Bytes::from_elems(values)),
        }
    }

    /// Brings a tensor to the device; its layout there. The room for a multiple of four channels is made there, where it
    /// costs nothing beside the way.
    ///
    /// # Errors
    /// As [`Runner::empty`].
    pub fn upload_tensor(&self, tensor: &Tensor, meter: &mut Meter) -> Result<Image, Error> {
        let started = meter.start();
        let image = self.laid_out(tensor)?;
        if started.is_some() {
            self.wait()?;
            meter.copied(started, 4 * tensor.data().len());
        }
        Ok(image)
    }

    fn laid_out(&self, tensor: &Tensor) -> Result<Image, Error> {
        let [images, height, width, channels] = tensor.shape();
        let image = Image {
            values: self.upload(tensor.data().to_vec()),
            layout: Layout {
                images,
                height,
                width,
                stride: channels,
                offset: 0,
                channels,
            },
            zeros_behind: true,
        };
        let stride = fours(channels);
        if stride == channels {
            return Ok(image);
        }
        let layout = Layout {
            stride,
            ..image.layout
        };
        let values = self.dense(&image, stride)?;
        Ok(Image {
            values,
            layout,
            ..image
        })
    }

    /// Brings values back from the device.
    ///
    /// # Errors
    /// [`Error::Device`], where a kernel or an allocation before failed.
    pub fn read(&self, values: Vec<Values>) -> Result<Vec<Vec<f32>>, Error> {
        let lens: Vec<usize> = values.iter().map(|v| v.len).collect();
        let handles = values.into_iter().map(|v| v.handle).collect();
        let bytes = self.client.read(handles).map_err(|error| Error::Device {
            device: self.device,
            reason: reason(&error.to_string()),
        })?;
        Ok(bytes
            .iter()
            .zip(lens)
            .map(|(b, len)| f32::from_bytes(b)[..len].to_vec())
            .collect())
    }

    /// Brings whole buffers back as tensors.
    ///
    /// # Errors
    /// As [`Runner::read`].
    pub fn read_tensors(&self, images: &[Image], meter: &mut Meter) -> Result<Vec<Tensor>, Error> {
        let started = meter.start();
        let whole = |image: &Image| {
            let l = &image.layout;
            if l.stride == l.channels {
                return Ok(image.values.clone());
            }
            self.dense(image, l.channels)
        };
        let found = self.read(images.iter().map(whole).collect::<Result<_, _>>()?)?;
        meter.copied(started, 4 * images.iter().map(Image::len).sum::<usize>());
        images
            .iter()
            .zip(found)
            .map(|(image, mut data)| {
                let l = &image.layout;
                data.truncate(l.pixels() * l.channels);
                Tensor::new([l.images, l.height, l.width, l.channels], data)
            })
            .collect()
    }

    /// Waits until all that was queued is done.
    ///
    /// # Errors
    /// [`Error::Device`].
    pub fn wait(&self) -> Result<(), Error> {
        let done = cubecl::future::block_on(self.client.sync());
        done.map_err(|error| Error::Device {
            device: self.device,
            reason: reason(&error.to_string()),
        })
    }

    /// Ends the timing of a step. Only where one is timed does the processor wait for the device.
    ///
    /// # Errors
    /// As [`Runner::wait`].
    pub fn timed(
        &self,
        meter: &mut Meter,
        started: Option<Instant>,
        (plan, step, images): (&Plan, &Step, usize),
        way: Way,
    ) -> Result<(), Error> {
        if started.is_some() {
            self.wait()?;
            meter.stop(started, plan, step, images, way);
        }
        Ok(())
    }

    /// Cubes for a unit each.
    pub fn count(&self, units: usize) -> CubeCount {
        calculate_cube_count_elemwise(&self.client, units, CubeDim::new_1d(UNITS))
    }

    /// The view as products take it: at a multiple of four, of a multiple of four channels.
    pub fn aligned(&self, image: &Image) -> Result<Image, Error> {
        let l = image.layout;
        let channels = fours(l.channels);
        if l.offset.is_multiple_of(4) && (channels == l.channels || image.zeros_behind) {
            let layout = Layout { channels, ..l };
            return Ok(Image {
                layout,
                ..image.clone()
            });
        }
        let values = self.dense(image, channels)?;
        let layout = Layout {
            stride: channels,
            offset: 0,
            channels,
            ..l
        };
        Ok(Image {
            values,
            layout,
            zeros_behind: true,
        })
    }

    /// A view's values in a buffer of `channels` channels without gaps, zeros where the view has fewer.
    fn dense(&self, image: &Image, channels: usize) -> Result<Values, Error> {
        let len = image.layout.pixels() * channels;
        let values = self.empty(len)?;
        // Safety: every unit checks its place against the length.
        unsafe {
            dense::launch_unchecked(
                &self.client,
                self.count(len),
                CubeDim::new_1d(UNITS),
                image.values.arg(),
                values.arg(),
                image.shape(),
                channels,
                len,
            );
        }
        Ok(values)
    }

    /// y = max(x (+ y), floor).
    pub fn combine(&self, x: &Image, y: &Image, add: bool, floor: f32) {
        // Safety: every unit checks its place against the length; both views have as many values.
        unsafe {
            combine::launch_unchecked(
                &self.client,
                self.count(y.len()),
                CubeDim::new_1d(UNITS),
                x.values.arg(),
                y.values.arg(),
                x.shape(),
                y.shape(),
                y.len(),
                u32::from(add),
                floor,
            );
        }
    }

    /// y = max(x scale + shift, floor), the scales from `norm` on.
    pub fn affine(
        &self,
        x: &Image,
        (scale, shift, norm): (&Values, &Values, usize),
        y: &Image,
        floor: f32,
    ) {
        // Safety: as above.
        unsafe {
            affine::launch_unchecked(
                &self.client,
                self.count(y.len()),
                CubeDim::new_1d(UNITS),
                x.values.arg(),
                scale.arg(),
                shift.arg(),
                y.values.arg(),
                x.shape(),
                y.shape(),
                y.len(),
                norm,
                floor,
            );
        }
    }

    /// dx (+)= dy scale.
    pub fn affine_gradient(
        &self,
        dy: &Image,
        (scale, norm): (&Values, usize),
        dx: &Image,
        add: bool,
    ) {
        // Safety: as above.
        unsafe {
            affine_gradient::launch_unchecked(
                &self.client,
                self.count(dy.len()),
                CubeDim::new_1d(UNITS),
                dy.values.arg(),
                scale.arg(),
                dx.values.arg(),
                dy.shape(),
                dx.shape(),
                dy.len(),
                norm,
                u32::from(add),
            );
        }
    }

    /// Lets the gradient of a view through where its ReLU was open, and where `rule` says; `open` holds a zero for each
    /// image from `first` on.
    pub fn relu_gradient(
        &self,
        gradient: &Image,
        output: &Image,
        rule: ReluGradient,
        (open, first): (&Values, usize),
    ) {
        let redirected = rule == ReluGradient::Redirected;
        let l = &gradient.layout;
        // Safety: every unit checks its place against the length; a cube looks at one image.
        unsafe {
            if redirected {
                let len = l.height * l.width * l.channels;
                let cubes = len.div_ceil(4 * UNITS as usize).min(64);
                elementwise::passes::launch_unchecked(
                    &self.client,
                    CubeCount::Static((cubes * l.images) as u32, 1, 1),
                    CubeDim::new_1d(UNITS),
                    gradient.values.arg(),
                    output.values.arg(),
                    open.arg(),
                    gradient.shape(),
                    len,
                    cubes,
                    first,
                );
            }
            elementwise::relu_gradient::launch_unchecked(
                &self.client,
                self.count(gradient.len()),
                CubeDim::new_1d(UNITS),
                gradient.values.arg(),
                output.values.arg(),
                open.arg(),
                gradient.shape(),
                gradient.len(),
                first,
                redirected,
            );
        }
    }
}

/// The first line of a device's complaint; its backtrace helps no user.
pub(super) fn reason(text: &str) -> String {
    let lines: Vec<&str> = text
        .lines()
        .take_while(|line| !line.starts_with("Backtrace"))
        .map(str::trim)
        .filter(|line| !line.is_empty() && *line != "Caused by:")
        .collect();
    lines.join(": ")
}
