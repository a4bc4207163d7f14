//! What the run ran on, in a few words.

/// Cores, memory, kernel and kind of build.
pub fn note() -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let memory = std::fs::read_to_string("/proc/meminfo").ok().and_then(|text| {
        let kib: u64 = text.lines().next()?.split_whitespace().nth(1)?.parse().ok()?;
        Some(format!(", {} GiB", kib.div_ceil(1024 * 1024)))
    });
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease")
        .map(|text| format!(", Linux {}", text.trim().split(['-', '+']).next().unwrap_or_default()));
    let build = if cfg!(debug_assertions) { "debug build" } else { "release build" };
    format!("{cores} cores{}{}, {build}", memory.unwrap_or_default(), kernel.unwrap_or_default())
}
