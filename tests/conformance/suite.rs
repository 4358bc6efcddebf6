//! Runs the suite, and reads its verdicts. A test that ends the suite, or stops it, has died, and the others are run
//! without it.

use std::{
    collections::BTreeMap,
    fmt,
    fs::File,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Command, Stdio},
    sync::mpsc::{self, Receiver},
    time::Duration,
};

/// Without a word for so long a test hangs: far longer than any takes, and than the suite itself waits for an answer.
const PATIENCE: Duration = Duration::from_secs(90);

/// More tests than this do not die one after the other: then something else is wrong.
const MOST_DEATHS: usize = 20;

/// What became of a test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    Passed,
    Failed,
    /// The suite ended or hung in it.
    Died,
    /// What it needs is not offered.
    Skipped,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Died => "ended or hung the suite",
            Self::Skipped => "skipped",
        })
    }
}

/// How many tests have each verdict.
pub fn count(verdicts: &BTreeMap<String, Verdict>) -> BTreeMap<Verdict, usize> {
    let mut counts = BTreeMap::new();
    for verdict in verdicts.values() {
        *counts.entry(*verdict).or_default() += 1;
    }
    counts
}

/// Where Debian has the suite.
fn program() -> String {
    format!("/usr/lib/{}-linux-gnu/wlcs/wlcs", std::env::consts::ARCH)
}

/// The release of the suite, as Debian's package says; empty: it is not known.
pub fn release() -> String {
    let asked = Command::new("dpkg-query").args(["--show", "--showformat=${Version}", "wlcs"]).output();
    asked.map(|said| String::from_utf8_lossy(&said.stdout).into_owned()).unwrap_or_default()
}

/// The verdict on each test. What the suite says goes to `log`.
pub fn run(library: &Path, log: &Path) -> BTreeMap<String, Verdict> {
    let mut log = File::create(log).unwrap();
    let mut verdicts = BTreeMap::new();
    for _ in 0..=MOST_DEATHS {
        let done: Vec<&str> = verdicts.keys().map(String::as_str).collect();
        let filter = if done.is_empty() { "*".to_owned() } else { format!("-{}", done.join(":")) };
        let died = round(library, &filter, &mut log, &mut verdicts);
        match died {
            Some(test) => verdicts.insert(test, Verdict::Died),
            None => return verdicts,
        };
    }
    panic!("the suite died {MOST_DEATHS} times: {:?}", count(&verdicts));
}

/// Runs the tests of this filter up to the first that dies, which is returned.
fn round(library: &Path, filter: &str, log: &mut File, verdicts: &mut BTreeMap<String, Verdict>) -> Option<String> {
    let program = program();
    let mut suite = Command::new(&program)
        .arg(library)
        .env("GTEST_FILTER", filter)
        .env("GTEST_COLOR", "no")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(log.try_clone().unwrap())
        .spawn()
        .unwrap_or_else(|error| panic!("{program} (Debian: wlcs): {error}"));
    let lines = lines(suite.stdout.take().unwrap());
    let before = verdicts.len();
    let mut running = None;
    while let Ok(line) = lines.recv_timeout(PATIENCE) {
        writeln!(log, "{line}").unwrap();
        match parse(&line) {
            Some((None, test)) => running = Some(test),
            Some((Some(verdict), test)) if running.as_deref() == Some(&test) => {
                verdicts.insert(test, verdict);
                running = None;
            }
            _ => {}
        }
    }
    // It has ended, or hangs.
    let _ = suite.kill();
    let status = suite.wait().unwrap();
    assert!(running.is_some() || verdicts.len() > before || filter != "*", "{program} runs no test: {status}");
    running
}

/// The lines of an output, as they come. It ends with the program.
fn lines(output: impl std::io::Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(output).split(b'\n').map_while(Result::ok) {
            if sender.send(String::from_utf8_lossy(&line).into_owned()).is_err() {
                return;
            }
        }
    });
    receiver
}

/// What a line says of a test: that it begins, or its verdict.
fn parse(line: &str) -> Option<(Option<Verdict>, String)> {
    let (mark, rest) = line.strip_prefix('[')?.split_once(']')?;
    let verdict = match mark.trim() {
        "RUN" => None,
        "OK" => Some(Verdict::Passed),
        "FAILED" => Some(Verdict::Failed),
        "SKIP" | "SKIPPED" => Some(Verdict::Skipped),
        _ => return None,
    };
    // A verdict is followed by its time, or by what the test was called with.
    let test = rest.trim().split([' ', ',']).next()?;
    test.contains('.').then(|| (verdict, test.to_owned()))
}

#[test]
fn the_output_of_the_suite_is_parsed() {
    let told = |line: &str| parse(line);
    assert_eq!(told("[ RUN      ] A/B.c/0"), Some((None, "A/B.c/0".into())));
    assert_eq!(told("[       OK ] A.b (3 ms)"), Some((Some(Verdict::Passed), "A.b".into())));
    assert_eq!(
        told("[  FAILED  ] A/B.c/0, where GetParam() = x (3 ms)"),
        Some((Some(Verdict::Failed), "A/B.c/0".into()))
    );
    assert_eq!(told("[     SKIP ] A.b (0 ms)"), Some((Some(Verdict::Skipped), "A.b".into())));
    assert_eq!(told("[  FAILED  ] 2 tests, listed below:"), None);
    assert_eq!(told("[----------] 3 tests from A"), None);
    assert_eq!(told("anything"), None);
}
