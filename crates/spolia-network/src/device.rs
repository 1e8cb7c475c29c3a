use std::{fmt, str::FromStr, sync::Arc};

use crate::{Cpu, Engine, Error};

/// What a network runs on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Device {
    /// The processor.
    #[default]
    Cpu,
    /// An NVIDIA GPU, through CUDA.
    Cuda,
    /// Any GPU, through Vulkan, Metal or DirectX.
    Wgpu,
}

impl Device {
    /// All devices, whether or not this build and this machine have them.
    pub const ALL: [Self; 3] = [Self::Cpu, Self::Cuda, Self::Wgpu];

    /// `cpu`, `cuda` or `wgpu`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Cuda => "cuda",
            Self::Wgpu => "wgpu",
        }
    }

    /// Does this build have an engine for it?
    #[must_use]
    pub fn is_built(self) -> bool {
        match self {
            Self::Cpu => true,
            Self::Cuda => cfg!(feature = "cuda"),
            Self::Wgpu => cfg!(feature = "wgpu"),
        }
    }

    /// The fastest that can be used here: `cuda`, else a `wgpu` that is a GPU and no program that plays one, else `cpu`.
    #[must_use]
    pub fn automatic() -> Self {
        #[cfg(feature = "cuda")]
        if crate::Gpu::cuda().is_ok() {
            return Self::Cuda;
        }
        #[cfg(feature = "wgpu")]
        if crate::Gpu::wgpu().is_ok_and(|gpu| !gpu.is_software()) {
            return Self::Wgpu;
        }
        Self::Cpu
    }

    /// Its engine.
    ///
    /// # Errors
    /// [`Error::NotBuilt`] where this build has none, [`Error::NoDevice`] where the machine has no such device.
    pub fn engine(self) -> Result<Arc<dyn Engine>, Error> {
        match self {
            Self::Cpu => Ok(Arc::new(Cpu)),
            #[cfg(feature = "cuda")]
            Self::Cuda => Ok(Arc::new(crate::Gpu::cuda()?)),
            #[cfg(feature = "wgpu")]
            Self::Wgpu => Ok(Arc::new(crate::Gpu::wgpu()?)),
            #[cfg(not(all(feature = "cuda", feature = "wgpu")))]
            other => Err(Error::NotBuilt {
                device: other.name(),
            }),
        }
    }
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Device {
    type Err = Error;

    /// By its name, or `auto` for [`Device::automatic`].
    fn from_str(name: &str) -> Result<Self, Error> {
        if name == "auto" {
            return Ok(Self::automatic());
        }
        let found = Self::ALL.into_iter().find(|device| device.name() == name);
        found.ok_or_else(|| Error::UnknownDevice {
            name: name.into(),
            known: "cpu, cuda, wgpu and auto".into(),
        })
    }
}
