//! The engine that runs on a GPU, by CUDA or by wgpu (Vulkan, Metal, DirectX).
//!
//! Its kernels are written once, in CubeCL's dialect of Rust (the compute layer of the burn framework), and compiled for
//! the device when they are first used: by NVRTC for CUDA, by the driver otherwise. They work in single precision in an
//! order that shapes alone decide; convolution libraries that time several kernels and keep the fastest, or round to what
//! tensor cores take, would give other bytes from run to run.
//!
//! A pass is queued whole. The processor waits where it needs numbers: the taps' activations, the logits of a training
//! step.

mod frozen;
mod kernels;
mod norm;
mod parameters;
mod passes;
mod pool;
mod product;
mod runner;
#[cfg(test)]
mod tests;
mod trainable;

use self::runner::Runner;
use crate::{Cut, Engine, Error, Frozen, Network, Trainable, Weights};

/// The GPU engine.
#[derive(Clone)]
pub struct Gpu {
    runner: Runner,
    software: bool,
}

impl Gpu {
    /// On the first GPU that CUDA reports.
    ///
    /// # Errors
    /// [`Error::NoDevice`] where there is no driver, no GPU or no NVRTC.
    #[cfg(feature = "cuda")]
    pub fn cuda() -> Result<Self, Error> {
        const DEVICE: &str = "cuda";
        let missing = |reason: String| Error::NoDevice {
            device: DEVICE,
            reason,
        };
        let device = cubecl::Device::cuda(0).map_err(|_| {
            missing("no NVIDIA driver with a GPU was found; install the driver (libcuda)".into())
        })?;
        // Safety: it is only asked whether the library can be loaded.
        if !unsafe { cudarc::nvrtc::sys::is_culib_present() } {
            return Err(missing(
                "NVRTC, which compiles the kernels, was not found; install the CUDA toolkit, or add the folder of libnvrtc.so to LD_LIBRARY_PATH".into(),
            ));
        }
        if cubecl::cuda::install::cuda_path().is_none() {
            return Err(missing(
                "the CUDA toolkit's headers were not found; set CUDA_PATH to its folder".into(),
            ));
        }
        Self::on(&device, DEVICE, false)
    }

    /// On the best device that wgpu finds: by Metal on a Mac, else by Vulkan, else by DirectX 12.
    ///
    /// # Errors
    /// [`Error::NoDevice`] where it finds none.
    #[cfg(feature = "wgpu")]
    pub fn wgpu() -> Result<Self, Error> {
        use cubecl::device::WgpuDeviceKind::{
            self, Cpu, DefaultDevice, DiscreteGpu, IntegratedGpu, Other, VirtualGpu,
        };
        const DEVICE: &str = "wgpu";
        // Left to itself, wgpu also takes OpenGL, whose compute shaders few drivers do well.
        let find = |kind: WgpuDeviceKind| {
            if cfg!(target_os = "macos") {
                return cubecl::Device::wgpu(kind);
            }
            cubecl::Device::vulkan(kind.clone()).or_else(|_| cubecl::Device::dx12(kind))
        };
        let device = find(DefaultDevice).map_err(|_| Error::NoDevice {
            device: DEVICE,
            reason: "no Vulkan, Metal or DirectX driver was found; install the GPU's driver, or Mesa's (mesa-vulkan-drivers) to run without a GPU".into(),
        })?;
        let gpus = [DiscreteGpu(0), IntegratedGpu(0), VirtualGpu(0), Other(0)];
        let is_there = |kind: WgpuDeviceKind| find(kind).is_ok();
        let software = is_there(Cpu) && !gpus.into_iter().any(is_there);
        Self::on(&device, DEVICE, software)
    }

    fn on(device: &cubecl::Device, name: &'static str, software: bool) -> Result<Self, Error> {
        let runner = Runner {
            client: device.client(),
            device: name,
        };
        let gpu = Self { runner, software };
        gpu.probe()?;
        Ok(gpu)
    }

    /// Runs the smallest kernel, so that a driver that cannot is found here.
    fn probe(&self) -> Result<(), Error> {
        let unusable = |reason: String| Error::NoDevice {
            device: self.runner.device,
            reason,
        };
        let values = self.runner.empty(4)?;
        self.runner.fill(&values, 1.5);
        match self.runner.read(vec![values]) {
            Ok(found) if found[0] == [1.5; 4] => Ok(()),
            Ok(found) => Err(unusable(format!(
                "a kernel that writes 1.5 wrote {:?}; update the driver",
                found[0]
            ))),
            Err(Error::Device { reason, .. }) => Err(unusable(reason)),
            Err(other) => Err(other),
        }
    }

    /// What the hardware is called.
    fn hardware(&self) -> String {
        self.runner.client.properties().identity.name.clone()
    }

    /// Is the device a program that plays a GPU on the processor?
    #[must_use]
    pub fn is_software(&self) -> bool {
        self.software
    }
}

impl Engine for Gpu {
    fn name(&self) -> &'static str {
        self.runner.device
    }

    fn description(&self) -> String {
        format!("{}: {}", self.name(), self.hardware())
    }

    fn frozen(
        &self,
        network: &Network,
        weights: &Weights,
        cut: Cut,
    ) -> Result<Box<dyn Frozen>, Error> {
        Ok(Box::new(frozen::FrozenGpu::new(
            &self.runner,
            network,
            weights,
            cut,
        )?))
    }

    fn trainable(&self, network: &Network, weights: &Weights) -> Result<Box<dyn Trainable>, Error> {
        Ok(Box::new(trainable::TrainableGpu::new(
            &self.runner,
            network,
            weights,
        )?))
    }
}
