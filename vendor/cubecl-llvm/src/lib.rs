//! The names that CubeCL's CUDA runtime takes from its LLVM compiler, without the compiler: with the feature `cuda-cpp`
//! that runtime compiles by NVRTC and never calls it. Asked to compile all the same, it answers with an error.

use cubecl_core::{ir::nvidia::SmArch, prelude::KernelDefinition};
use cubecl_environment::backtrace::BackTrace;
use cubecl_server::{
    compiler::{CompilationError, Compiler},
    kernel::BufferIOAttr,
};

/// What a kernel would be compiled for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LlvmTarget {
    /// NVIDIA's PTX.
    #[default]
    Nvptx,
}

/// Stands where the LLVM compiler stood.
#[derive(Clone, Debug, Default)]
pub struct PlironCompiler {
    /// What a kernel would be compiled for.
    pub target: LlvmTarget,
}

/// Options of a compilation.
#[derive(Clone, Debug, Default)]
pub struct PlironOptions {
    /// AMD's architecture; there is none.
    pub arch: Option<()>,
    /// NVIDIA's architecture.
    pub sm_arch: Option<SmArch>,
    /// The PTX version to be emitted.
    pub ptx_version: Option<nvptx::ptx_version::PtxVersion>,
    /// Whether scalars go by the kernel's parameter block.
    pub grid_constants: bool,
}

/// A compiled module.
#[derive(Clone, Debug)]
pub struct NvptxModule {
    /// PTX, ending in a zero.
    pub ptx: Vec<core::ffi::c_char>,
    /// The kernel's symbol.
    pub entrypoint: String,
    /// Its intermediate representation.
    pub ir: String,
    /// Bytes of shared memory for a launch.
    pub shared_memory_size: usize,
    /// How each buffer is accessed.
    pub io: Vec<BufferIOAttr>,
}

/// What a compilation makes.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum PlironArtifact {
    /// A module of PTX.
    NvptxCode(NvptxModule),
}

impl core::fmt::Display for PlironArtifact {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let Self::NvptxCode(module) = self;
        f.write_str(&module.ir)
    }
}

impl Compiler for PlironCompiler {
    type Representation = PlironArtifact;
    type CompilationOptions = PlironOptions;

    fn buffer_io(repr: &Self::Representation) -> Option<Vec<BufferIOAttr>> {
        let PlironArtifact::NvptxCode(module) = repr;
        Some(module.io.clone())
    }

    fn compile(
        &mut self,
        _kernel: KernelDefinition,
        _options: &Self::CompilationOptions,
    ) -> Result<Self::Representation, CompilationError> {
        Err(CompilationError::Generic {
            reason: "built without LLVM: build with the feature `cuda-cpp`".into(),
            backtrace: BackTrace::capture(),
        })
    }

    fn extension(&self) -> &'static str {
        "ll"
    }

    fn lang_tag(&self) -> &'static str {
        "ll"
    }
}

/// NVIDIA's part.
pub mod nvptx {
    /// Versions of PTX.
    pub mod ptx_version {
        /// A PTX version. None is chosen: NVRTC chooses.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub struct PtxVersion(());

        impl PtxVersion {
            /// The version for a driver.
            #[must_use]
            pub fn for_driver(_driver: i32) -> Option<Self> {
                None
            }
        }

        impl core::fmt::Display for PtxVersion {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str("ptx")
            }
        }
    }
}

/// What is shared by the targets.
pub mod shared {
    /// Which of a device's features may be used.
    pub mod lowered_features {
        use cubecl_core::ir::DeviceProperties;

        /// The target whose features are kept.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum GpuTarget {
            /// NVIDIA's PTX.
            Nvptx,
        }

        /// Keeps all: what is compiled by NVRTC may use all of them.
        pub fn restrict_features(_properties: &mut DeviceProperties, _target: GpuTarget) {}
    }
}
