//! What the tests share: a session in a folder of its own, a processor that keeps what it is given, and children of the
//! test program for what can happen only once in a process.
#![allow(dead_code, missing_docs)]

use std::collections::BTreeMap;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};
use trunkline::{Batch, Builder, Kind, Outcome, Processor, Record, RecordType, Registration, Session, Usage};

/// Longer than anything may take on a busy machine.
pub const LIMIT: Duration = Duration::from_secs(60);

/// A record, copied.
#[derive(Clone, Debug)]
pub struct Seen {
    pub record_type: RecordType,
    pub name: String,
    pub kind: Kind,
    pub sequence: u64,
    pub trace_id: [u8; 16],
    pub span_id: [u8; 8],
    pub parent_id: Option<[u8; 8]>,
    pub start_ns: i64,
    pub end_ns: i64,
    pub texts: BTreeMap<&'static str, String>,
    pub failed: bool,
    pub incomplete: bool,
    pub usage: Usage,
    pub score: Option<f64>,
    pub step: Option<i64>,
    pub attributes: BTreeMap<String, String>,
    pub events: Vec<(String, BTreeMap<String, String>)>,
    pub run_result: (u32, i32),
}

fn shown<'a>(attributes: impl Iterator<Item = trunkline::Attribute<'a>>) -> BTreeMap<String, String> {
    attributes.map(|each| (each.key().to_string(), format!("{:?}", each.value()))).collect()
}

impl Seen {
    pub fn of(record: &Record<'_>) -> Self {
        let texts = [
            ("group_id", record.group_id()),
            ("foreign_id", record.foreign_id()),
            ("project", record.project()),
            ("model", record.model()),
            ("score_name", record.score_name()),
            ("error_type", record.error_type()),
            ("error_message", record.error_message()),
            ("input", record.input().as_str().unwrap_or("")),
            ("output", record.output().as_str().unwrap_or("")),
        ];
        Self {
            record_type: record.record_type(),
            name: record.name().into(),
            kind: record.kind(),
            sequence: record.sequence(),
            trace_id: record.trace_id(),
            span_id: record.span_id(),
            parent_id: record.parent_id(),
            start_ns: record.start_ns(),
            end_ns: record.end_ns(),
            texts: texts.into_iter().map(|(name, text)| (name, text.to_string())).collect(),
            failed: record.is_failed(),
            incomplete: record.is_incomplete(),
            usage: record.usage(),
            score: record.score(),
            step: record.step(),
            attributes: shown(record.attributes()),
            events: record.events().map(|each| (each.name().to_string(), shown(each.attributes()))).collect(),
            run_result: record.run_result(),
        }
    }

    pub fn text(&self, name: &str) -> &str {
        &self.texts[name]
    }
}

pub type Kept = Arc<Mutex<Vec<Seen>>>;

/// Keeps everything.
pub struct Keeping(pub Kept);

impl Processor for Keeping {
    fn on_batch(&mut self, batch: &Batch<'_>) -> Outcome {
        self.0.lock().unwrap().extend(batch.records().map(|record| Seen::of(&record)));
        Ok(())
    }
}

static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// A session of a test. There is one instance in a process, so that tests of one program wait for each other.
pub struct World {
    pub folder: Folder,
    pub kept: Kept,
    session: Option<Session>,
    _only: MutexGuard<'static, ()>,
}

/// A folder that goes with its test.
pub struct Folder(PathBuf);

impl Deref for Folder {
    type Target = Path;

    fn deref(&self) -> &Path {
        &self.0
    }
}

impl AsRef<Path> for Folder {
    fn as_ref(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // A processor that was abandoned may still write there.
        let _left = std::fs::remove_dir_all(&self.0);
    }
}

pub fn fresh_folder() -> Folder {
    static MADE: AtomicU32 = AtomicU32::new(0);
    let name = format!("trunkline-rust-{}-{}", std::process::id(), MADE.fetch_add(1, Ordering::Relaxed));
    let folder = std::env::temp_dir().join(name);
    let _left_by_an_earlier_process_of_this_number = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    Folder(folder)
}

/// Nothing is started, and nothing else runs.
pub fn alone() -> MutexGuard<'static, ()> {
    ONE_AT_A_TIME.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

impl World {
    pub fn new() -> Self {
        Self::with(|builder| builder)
    }

    /// With a processor that keeps what was recorded.
    pub fn with(configure: impl FnOnce(Builder) -> Builder) -> Self {
        let world = Self::bare(configure);
        trunkline::add_processor(Registration::new("keeping", Keeping(world.kept.clone()))).unwrap();
        world
    }

    /// Without any processor.
    pub fn bare(configure: impl FnOnce(Builder) -> Builder) -> Self {
        let only = alone();
        let folder = fresh_folder();
        let builder = Builder::new().directory(&folder).processors("none").exit_timeout(LIMIT);
        let session = configure(builder).init().unwrap();
        Self { folder, kept: Kept::default(), session: Some(session), _only: only }
    }

    /// Everything that was delivered, after a flush.
    pub fn records(&self) -> Vec<Seen> {
        trunkline::flush(LIMIT).unwrap();
        self.kept.lock().unwrap().clone()
    }

    /// The spans that have ended.
    pub fn spans(&self) -> Vec<Seen> {
        self.of_type(RecordType::SPAN_END)
    }

    pub fn of_type(&self, record_type: RecordType) -> Vec<Seen> {
        self.records().into_iter().filter(|record| record.record_type == record_type).collect()
    }

    pub fn span(&self, name: &str) -> Seen {
        let spans = self.spans();
        spans.iter().find(|span| span.name == name).unwrap_or_else(|| panic!("no {name} in {spans:?}")).clone()
    }

    pub fn session(&mut self) -> Session {
        self.session.take().unwrap()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        drop(self.session.take());
    }
}

/// Waits until something is so.
pub fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let begin = Instant::now();
    while !is_so() {
        assert!(begin.elapsed() < LIMIT, "{what} did not come");
        std::thread::sleep(Duration::from_millis(2));
    }
}

const CHILD: &str = "TRUNKLINE_RUST_TEST_CHILD";

/// What a child is to do, if this is one.
pub fn child_task() -> Option<String> {
    std::env::var(CHILD).ok()
}

pub struct Done {
    pub status: ExitStatus,
    pub stderr: String,
    pub stdout: String,
}

/// Runs the test `child` of this program with a task, in a folder. It must end within the limit.
pub fn run_child(task: &str, folder: &Path, variables: &[(&str, &str)]) -> Done {
    run_program(&std::env::current_exe().unwrap(), task, folder, variables)
}

/// The same with a copy of this program.
pub fn run_program(program: &Path, task: &str, folder: &Path, variables: &[(&str, &str)]) -> Done {
    let mut command = Command::new(program);
    command.args(["--exact", "child", "--nocapture", "--test-threads=1"]).env(CHILD, task).env("TRUNKLINE_DIR", folder);
    command.envs(variables.iter().copied()).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let begin = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if begin.elapsed() > LIMIT {
            child.kill().unwrap();
            panic!("{task} did not end");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Done { status, stdout: text(stdout), stderr: text(stderr) }
}
