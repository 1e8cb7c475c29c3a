//! The machine: processor, threads, memory.

use std::path::Path;

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

/// Memory in bytes that this process may still take: what the machine has left, within the limits of its control groups (a
/// container's, a Slurm job's). `None` where the system does not tell.
pub fn available() -> Option<u64> {
    let (_, machine) = memory()?;
    let groups = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let read = |file: &Path| std::fs::read_to_string(file).ok();
    Some(within(machine, &groups, read))
}

/// The least of `bytes` and of what each control group leaves. `groups` is what /proc/self/cgroup says: version 1 names a
/// group of memory, version 2 one for all.
fn within(bytes: u64, groups: &str, read: impl Fn(&Path) -> Option<String>) -> u64 {
    let number = |file: &Path| -> Option<u64> { read(file)?.trim().parse().ok() };
    let mut least = bytes;
    for line in groups.lines() {
        let mut parts = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (parts.next(), parts.next()) else {
            continue;
        };
        let (root, limit, used) = match controllers {
            "" => ("/sys/fs/cgroup", "memory.max", "memory.current"),
            "memory" => (
                "/sys/fs/cgroup/memory",
                "memory.limit_in_bytes",
                "memory.usage_in_bytes",
            ),
            _ => continue,
        };
        // A group is bound by those around it. In a container the path may be one that only the host sees.
        for group in Path::new(path).ancestors() {
            let folder = Path::new(root).join(group.strip_prefix("/").unwrap_or(group));
            let (Some(limit), Some(used)) =
                (number(&folder.join(limit)), number(&folder.join(used)))
            else {
                continue;
            };
            // Files that were read are kept as long as nobody wants the room.
            let stat = read(&folder.join("memory.stat")).unwrap_or_default();
            let files = stat.lines().find_map(|line| {
                line.strip_prefix("total_inactive_file ")
                    .or_else(|| line.strip_prefix("inactive_file "))
            });
            let files: u64 = files.and_then(|n| n.trim().parse().ok()).unwrap_or(0);
            least = least.min(limit.saturating_sub(used.saturating_sub(files)));
        }
    }
    least
}

/// Most memory that this process has held, bytes. `None` where the system does not tell.
pub fn peak_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM"))?;
    let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Files by path, as a control group has them.
    fn files(all: &'static [(&str, &str)]) -> impl Fn(&Path) -> Option<String> {
        |file| {
            let found = all.iter().find(|(path, _)| Path::new(path) == file);
            found.map(|(_, text)| (*text).to_string())
        }
    }

    #[test]
    fn a_group_may_take_less_than_the_machine_has() {
        let second = files(&[
            ("/sys/fs/cgroup/job/step/memory.max", "max\n"),
            ("/sys/fs/cgroup/job/step/memory.current", "900\n"),
            ("/sys/fs/cgroup/job/memory.max", "4000\n"),
            ("/sys/fs/cgroup/job/memory.current", "1500\n"),
            (
                "/sys/fs/cgroup/job/memory.stat",
                "anon 900\ninactive_file 500\n",
            ),
        ]);
        assert_eq!(within(9000, "0::/job/step\n", &second), 3000);
        assert_eq!(within(2000, "0::/job/step\n", &second), 2000);
        assert_eq!(within(9000, "0::/other\n", &second), 9000);
        let first = files(&[
            ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "5000"),
            ("/sys/fs/cgroup/memory/memory.usage_in_bytes", "1000"),
        ]);
        assert_eq!(
            within(9000, "5:cpu:/x\n4:memory:/of/the/host\n", first),
            4000
        );
    }
}
