//! What networks run on: one engine for the whole process, as there is one set of threads.

use std::sync::{Arc, OnceLock};

use miette::IntoDiagnostic;
use spolia_network::{Cpu, Device, Engine};

static CHOSEN: OnceLock<Arc<dyn Engine>> = OnceLock::new();

/// Lets the networks of this process run on a device. The first choice holds.
///
/// # Errors
/// The build has no engine for the device, or the machine no such device.
pub fn choose(device: Device) -> miette::Result<()> {
    if CHOSEN.get().is_none() {
        let engine = device.engine().into_diagnostic()?;
        CHOSEN.get_or_init(|| engine);
    }
    Ok(())
}

/// The chosen engine, else the CPU's.
pub fn chosen() -> &'static dyn Engine {
    CHOSEN.get().map_or(&Cpu, |engine| &**engine)
}
