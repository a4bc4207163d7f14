//! What this process has used of the machine, as the kernel counts it (Linux).

use std::time::Duration;

/// The kernel's unit of processor time in `/proc`: a hundredth of a second (`USER_HZ`).
const TICK: Duration = Duration::from_millis(10);

/// Processor time of all threads so far, in user and kernel mode. Zero where the kernel does not tell.
pub(super) fn cpu_time() -> Duration {
    cpu_time_in("/proc/self/stat")
}

/// Processor time of the calling thread so far, likewise.
pub(super) fn cpu_time_of_thread() -> Duration {
    cpu_time_in("/proc/thread-self/stat")
}

fn cpu_time_in(file: &str) -> Duration {
    let stat = std::fs::read_to_string(file).unwrap_or_default();
    // The name before the fields is in brackets and may hold anything.
    let fields: Vec<u32> = stat
        .rsplit(')')
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .skip(11)
        .take(2)
        .filter_map(|field| field.parse().ok())
        .collect();
    TICK * fields.iter().sum::<u32>()
}

/// The most memory this process has held, in MB (2^20 bytes). Zero where the kernel does not tell.
pub(super) fn peak_memory_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()).and_then(|text| text.parse::<u64>().ok());
    kilobytes.unwrap_or_default().div_ceil(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn the_kernel_tells_both() {
        let mut sum = 0_u64;
        while cpu_time_of_thread() == Duration::ZERO {
            sum = std::hint::black_box(sum.wrapping_add(1));
        }
        // The thread first, for it goes on; and the kernel rounds user and kernel mode down, each by itself.
        let thread = cpu_time_of_thread();
        assert!(cpu_time() + 2 * TICK >= thread);
        assert!(peak_memory_mb() > 0);
    }
}
