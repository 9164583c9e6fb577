//! What the operating system grants to the process (files that may be open, and who may read those that it creates), and what
//! the process takes of it.

use std::net::SocketAddr;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

/// Files that are open beside connections: databases, files of messages, calls to providers.
const OTHER_FILES: u64 = 384;

/// The fewest connections that are served, however few files may be open.
const FEWEST: usize = 64;

/// Lets only this user read the files that the process creates from here on: databases, exports, journals of databases.
pub fn keep_files_private() {
    #[cfg(unix)]
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
}

/// A node's name, for people: the machine's, where the system says it in a file, with the address that the node listens on.
pub fn node_name(address: SocketAddr) -> String {
    let machine = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    format!("{} {address}", machine.trim()).trim().to_owned()
}

/// Raises the limit of open files as far as the system allows. Returns how many of `most` connections may be served below
/// it: a process without a free descriptor can neither read its tables nor call a provider.
pub fn connections(most: usize) -> usize {
    let Some(files) = raise_file_limit() else { return most };
    let fitting = fitting(files, most);
    if fitting < most {
        tracing::warn!(files, connections = fitting, "few files may be open: fewer connections are served");
    }
    fitting
}

fn fitting(files: u64, most: usize) -> usize {
    usize::try_from(files.saturating_sub(OTHER_FILES)).unwrap_or(usize::MAX).max(FEWEST).min(most)
}

/// The limit of open files; [`None`] if there is none.
#[cfg(unix)]
fn raise_file_limit() -> Option<u64> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current == maximum {
        return current;
    }
    match setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }) {
        Ok(()) => maximum,
        Err(error) => {
            tracing::warn!(%error, "the limit of open files could not be raised");
            current
        }
    }
}

#[cfg(not(unix))]
fn raise_file_limit() -> Option<u64> {
    None
}

/// Makes the version, and as far as the system says what the process uses, part of what is scraped.
pub fn register(registry: &mut Registry) {
    registry.register("build", "Version of commlog", Info::new([("version", env!("CARGO_PKG_VERSION"))]));
    registry.register_collector(Box::new(Usage));
}

/// Read at each scrape: memory, processor time and open files of this process.
#[derive(Debug)]
struct Usage;

impl Collector for Usage {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), std::fmt::Error> {
        if let Some(bytes) = resident_bytes() {
            let help = "Memory that the process holds";
            let gauge = ConstGauge::new(bytes);
            gauge.encode(encoder.encode_descriptor(
                "resident_memory",
                help,
                Some(&Unit::Bytes),
                MetricType::Gauge,
            )?)?;
        }
        if let Some(seconds) = processor_seconds() {
            let help = "Processor time that the process has used";
            let counter = ConstCounter::new(seconds);
            counter.encode(encoder.encode_descriptor("cpu", help, Some(&Unit::Seconds), MetricType::Counter)?)?;
        }
        if let Some(files) = open_files() {
            let gauge = ConstGauge::new(files);
            gauge.encode(encoder.encode_descriptor(
                "open_files",
                "Files and connections that are open",
                None,
                MetricType::Gauge,
            )?)?;
        }
        Ok(())
    }
}

fn resident_bytes() -> Option<i64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let kilobytes = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    kilobytes.trim().strip_suffix("kB")?.trim().parse::<i64>().ok()?.checked_mul(1_024)
}

/// Of all threads, in user and system mode.
#[cfg(unix)]
fn processor_seconds() -> Option<f64> {
    let usage = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    #[expect(clippy::cast_precision_loss, reason = "seconds with a fraction")]
    Some(usage.tv_sec as f64 + usage.tv_nsec as f64 / 1e9)
}

#[cfg(not(unix))]
fn processor_seconds() -> Option<f64> {
    None
}

fn open_files() -> Option<i64> {
    i64::try_from(std::fs::read_dir("/proc/self/fd").ok()?.count()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_stay_below_the_limit_of_open_files() {
        assert_eq!(fitting(1_024, 4_096), 640);
        assert_eq!(fitting(1_048_576, 4_096), 4_096);
        assert_eq!(fitting(256, 4_096), FEWEST);
    }
}
