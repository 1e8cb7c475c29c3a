//! The machine: processor, threads, memory.

use crate::run_folder::Machine;

/// This machine, as the manifest names it. Threads are those that rayon uses.
pub fn this() -> Machine {
    Machine {
        cpu: cpu(),
        threads: rayon::current_num_threads(),
        os: std::env::consts::OS.into(),
        engine: crate::engine::chosen().description(),
    }
}

/// Name of the processor; its architecture where the system does not tell.
pub fn cpu() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let named = info.lines().find(|line| line.starts_with("model name"));
    let name = named
        .and_then(|line| line.split_once(':'))
        .map(|(_, name)| name.trim());
    match name {
        Some(name) if !name.is_empty() => name.to_string(),
        _ => std::env::consts::ARCH.to_string(),
    }
}

/// Memory in bytes: all, and what is available now. `None` where the system does not tell.
pub fn memory() -> Option<(u64, u64)> {
    let info = std::fs::read_to_string("/proc/meminfo").ok()?;
    let field = |name: &str| -> Option<u64> {
        let line = info.lines().find(|line| line.starts_with(name))?;
        let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
        Some(kib * 1024)
    };
    Some((field("MemTotal:")?, field("MemAvailable:")?))
}

/// Most memory that this process has held, bytes. `None` where the system does not tell.
pub fn peak_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM"))?;
    let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib * 1024)
}
