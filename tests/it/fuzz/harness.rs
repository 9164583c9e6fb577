//! A small fuzzer for stable Rust: inputs of a committed corpus, changed at random. Each target gets a number of inputs in the
//! suite, always the same ones (`COMMLOG_FUZZ_INPUTS`); `make fuzz` gives it time and other ones. What a target fails on is
//! written to `target/fuzz`, to be put into its corpus once it is mended.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use crate::support::{setting, times};

/// Inputs that a target gets in the suite, where nothing else is said.
const INPUTS: usize = 100;

/// The longest input, in bytes.
const LONGEST: usize = 128 * 1024;

/// The time that one input may take, in a build without optimisation.
const SLOW: Duration = Duration::from_secs(5);

/// The stack of a thread that serves requests.
const STACK: usize = 2 * 1024 * 1024;

/// Something that parses input from outside.
pub(super) struct Target {
    /// Its name.
    pub(super) name: &'static str,
    /// The folder of its corpus, in the repository.
    pub(super) corpus: &'static str,
    /// What its inputs are made of.
    pub(super) words: &'static [&'static str],
    /// Takes an input; panics if something is wrong.
    pub(super) run: fn(&[u8]),
}

/// Numbers that look random and repeat with their seed (`SplitMix64`, Steele and others 2014).
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Below `end`, which is not 0.
    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.roll() % end as u64).expect("a usize")
    }

    fn one_of<'a, T: ?Sized>(&mut self, of: &[&'a T]) -> &'a T {
        of[self.below(of.len())]
    }
}

/// What parsers trip over: ends of ranges, odd characters, what is no text.
const ODD: &[&[u8]] = &[
    b"\0",
    b"\xff",
    b"\xc3",
    b"\r\n",
    b"\r",
    b"\n\n",
    b"\t",
    b"\\",
    b"\"",
    b"'",
    b"%",
    b"%00",
    b"\\u0000",
    b"\\ud800",
    "\u{202e}".as_bytes(),
    "\u{feff}".as_bytes(),
    "é".as_bytes(),
    "e\u{301}".as_bytes(),
    "İ".as_bytes(),
    "👍🏽".as_bytes(),
    "ﷺ".as_bytes(),
    "٣".as_bytes(),
    b"0",
    b"-1",
    b"-0",
    b"9223372036854775807",
    b"-9223372036854775808",
    b"18446744073709551616",
    b"1e400",
    b"1e-400",
    b"NaN",
    b"0x7f",
    b"2147483648",
    b"+10000-01-01T00:00:00Z",
    b"-262144-01-01",
    b"2024-02-30",
    b"23:59:60",
    b"[",
    b"]",
    b"{",
    b"}",
    b"(",
    b")",
    b"<",
    b">",
    b";",
    b",",
    b":",
];

/// Changes an input in one place.
fn change(input: &mut Vec<u8>, seeds: &[Vec<u8>], words: &[&[u8]], dice: &mut Dice) {
    let at = dice.below(input.len() + 1);
    let end = at + dice.below((input.len() - at).min(40) + 1);
    match dice.below(9) {
        0 if at < input.len() => input[at] ^= 1 << dice.below(8),
        1 => drop(input.drain(at..end)),
        2 => {
            let piece = input[at..end].to_vec();
            input.splice(at..at, piece);
        }
        3 => {
            // Deep or long: what recurses or is quadratic shows here.
            let piece = if dice.below(2) == 0 { dice.one_of(words).to_vec() } else { input[at..end].to_vec() };
            let times = 1 << dice.below(13);
            input.splice(at..at, piece.repeat(times));
        }
        4 => {
            let other = &seeds[dice.below(seeds.len())];
            let from = dice.below(other.len() + 1);
            let to = from + dice.below(other.len() - from + 1);
            input.splice(at..end, other[from..to].iter().copied());
        }
        5 => drop(input.splice(at..end, dice.one_of(ODD).iter().copied())),
        6 => drop(input.splice(at..at, dice.one_of(ODD).iter().copied())),
        7 => input.truncate(at),
        _ => drop(input.splice(at..at, dice.one_of(words).iter().copied())),
    }
    input.truncate(LONGEST);
}

fn corpus(target: &Target) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(target.corpus);
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    paths.iter().map(|path| std::fs::read(path).expect("a file")).collect()
}

/// The time that `make fuzz` gives each target.
fn time_given() -> Option<Duration> {
    let seconds = setting("COMMLOG_FUZZ_SECONDS")?;
    Some(Duration::from_secs(seconds.parse().expect("COMMLOG_FUZZ_SECONDS is a number of seconds")))
}

/// Gives a target its corpus, and inputs made of it.
pub(super) fn fuzz(target: &'static Target) {
    let ended = std::thread::Builder::new().stack_size(STACK).spawn(|| fuzz_here(target)).expect("a thread").join();
    if let Err(panic) = ended {
        std::panic::resume_unwind(panic);
    }
}

fn fuzz_here(target: &Target) {
    let words: Vec<&[u8]> = target.words.iter().map(|word| word.as_bytes()).collect();
    let (seeds, time) = (corpus(target), time_given());
    assert!(!seeds.is_empty(), "{} has no corpus", target.name);
    seeds.iter().for_each(|seed| attempt(target, seed));
    let began = Instant::now();
    let mut dice = Dice(if time.is_some() { u64::from(std::process::id()) << 32 } else { 1 });
    let (mut tried, inputs) = (0, times("COMMLOG_FUZZ_INPUTS", INPUTS));
    while time.map_or(tried < inputs, |time| began.elapsed() < time) {
        let mut input = seeds[dice.below(seeds.len())].clone();
        for _ in 0..=dice.below(6) {
            change(&mut input, &seeds, &words, &mut dice);
        }
        attempt(target, &input);
        tried += 1;
    }
    if time.is_some() {
        println!("{}: {tried} inputs", target.name);
    }
}

fn attempt(target: &Target, input: &[u8]) {
    // Before it is tried: an overflow of the stack ends the process.
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/fuzz");
    std::fs::create_dir_all(&folder).expect("a folder");
    let file = folder.join(target.name);
    std::fs::write(&file, input).expect("the input is kept");
    let began = at_work();
    let ended = catch_unwind(AssertUnwindSafe(|| (target.run)(input)));
    let took = at_work().saturating_sub(began);
    assert!(ended.is_ok(), "{} failed on {}: {:?}", target.name, file.display(), shown(input));
    assert!(took < SLOW, "{} took {took:?} for {}: {:?}", target.name, file.display(), shown(input));
}

/// How long this thread has been at work. What others do on the same processors does not count, where the system tells.
fn at_work() -> Duration {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    let start = *START;
    let scheduled = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanos = scheduled.and_then(|text| text.split(' ').next()?.parse().ok());
    nanos.map_or_else(|| start.elapsed(), Duration::from_nanos)
}

fn shown(input: &[u8]) -> String {
    let text = String::from_utf8_lossy(&input[..input.len().min(2_000)]);
    if input.len() > 2_000 { format!("{text}… ({} bytes)", input.len()) } else { text.into_owned() }
}
