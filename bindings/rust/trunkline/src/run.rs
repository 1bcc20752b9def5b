//! Runs: containers of metrics at W&B, MLflow or another tracker, in a trace or alone.

use crate::artifact::{lent_path, Artifact, Media};
use crate::error::check;
use crate::value::{lent, lent_attributes};
use crate::{Result, TraceRef, Value};
use std::path::Path;
use trunkline_sys as sys;

/// How a run ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RunStatus {
    /// As it should.
    #[default]
    Finished,
    /// With an error.
    Failed,
    /// Stopped from outside.
    Killed,
}

impl RunStatus {
    fn raw(self) -> sys::tr_run_status {
        match self {
            Self::Finished => sys::TR_RUN_FINISHED,
            Self::Failed => sys::TR_RUN_FAILED,
            Self::Killed => sys::TR_RUN_KILLED,
        }
    }
}

/// What a run is started with.
#[must_use = "the run begins with start()"]
#[derive(Clone, Debug)]
pub struct RunBuilder<'a> {
    name: &'a str,
    project: &'a str,
    group_id: &'a str,
    trace: sys::tr_trace,
    config: Vec<(&'a str, Value<'a>)>,
}

impl<'a> RunBuilder<'a> {
    /// The project it belongs to.
    pub fn project(mut self, project: &'a str) -> Self {
        self.project = project;
        self
    }

    /// The group it belongs to.
    pub fn group(mut self, id: &'a str) -> Self {
        self.group_id = id;
        self
    }

    /// The trace it belongs to.
    pub fn trace(mut self, trace: TraceRef) -> Self {
        self.trace = trace.handle();
        self
    }

    /// One item of its configuration.
    pub fn config(mut self, key: &'a str, value: impl Into<Value<'a>>) -> Self {
        self.config.push((key, value.into()));
        self
    }

    /// Starts it.
    pub fn start(self) -> Run {
        let config = lent_attributes(&self.config);
        let options = sys::tr_run_options {
            struct_size: size_of::<sys::tr_run_options>() as u32,
            flags: 0,
            trace: self.trace,
            name: lent(self.name),
            project: lent(self.project),
            group_id: lent(self.group_id),
            config: config.as_ptr(),
            config_count: config.len(),
        };
        Run { run: unsafe { sys::tr_run_start(&options) }, started_in_panic: std::thread::panicking() }
    }
}

/// A run. Dropping it finishes it, as failed when a panic is what drops it.
#[must_use = "a run finishes when it is dropped"]
#[derive(Debug)]
pub struct Run {
    run: sys::tr_run,
    started_in_panic: bool,
}

impl Run {
    /// A run that is not started yet.
    pub fn builder(name: &str) -> RunBuilder<'_> {
        RunBuilder { name, project: "", group_id: "", trace: 0, config: Vec::new() }
    }

    /// The library's handle; 0 when nothing is recorded.
    pub fn handle(&self) -> sys::tr_run {
        self.run
    }

    /// Logs metrics of a step; without one the sink counts.
    pub fn log(&self, step: Option<i64>, metrics: &[(&str, Value<'_>)]) -> Result<()> {
        let items = lent_attributes(metrics);
        check(unsafe { sys::tr_run_log(self.run, step.unwrap_or(-1), items.as_ptr(), items.len()) })
    }

    /// Sets items of the summary.
    pub fn set_summary(&self, items: &[(&str, Value<'_>)]) -> Result<()> {
        let items = lent_attributes(items);
        check(unsafe { sys::tr_run_set_summary(self.run, items.as_ptr(), items.len()) })
    }

    /// Adds to the configuration.
    pub fn set_config(&self, items: &[(&str, Value<'_>)]) -> Result<()> {
        let items = lent_attributes(items);
        check(unsafe { sys::tr_run_set_config(self.run, items.as_ptr(), items.len()) })
    }

    /// Sets a tag; an empty value is a plain tag.
    pub fn set_tag(&self, key: &str, value: &str) -> Result<()> {
        let (key, value) = (lent(key), lent(value));
        check(unsafe { sys::tr_run_set_tag(self.run, key.data, key.size, value.data, value.size) })
    }

    /// Adds a file of this machine to the artifacts, under `path`. Leave it as it is until a flush has succeeded.
    pub fn log_artifact(&self, path: &str, file: impl AsRef<Path>) -> Result<()> {
        let (path, file) = (lent(path), lent_path(file.as_ref()));
        check(unsafe { sys::tr_run_log_artifact(self.run, path.data, path.size, file.data, file.size) })
    }

    /// Logs an image or an HTML page under a key of the history; without a step the sink counts.
    pub fn log_media(&self, step: Option<i64>, key: &str, media: Media, file: impl AsRef<Path>) -> Result<()> {
        let (key, step, file) = (lent(key), step.unwrap_or(-1), lent_path(file.as_ref()));
        check(unsafe { sys::tr_run_log_media(self.run, step, key.data, key.size, media.raw(), file.data, file.size) })
    }

    /// Adds an artifact that the run has made.
    pub fn add_artifact(&self, artifact: &Artifact<'_>) -> Result<()> {
        artifact.add_to(self.run)
    }

    /// Says that the run uses an artifact: `name:alias`.
    pub fn use_artifact(&self, name: &str) -> Result<()> {
        let name = lent(name);
        check(unsafe { sys::tr_run_use_artifact(self.run, name.data, name.size) })
    }

    /// Finishes it.
    pub fn finish(self, status: RunStatus, exit_code: i32) -> Result<()> {
        let result = unsafe { sys::tr_run_finish(self.run, status.raw(), exit_code) };
        std::mem::forget(self);
        check(result)
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        let failed = std::thread::panicking() && !self.started_in_panic;
        let status = if failed { RunStatus::Failed } else { RunStatus::Finished };
        unsafe { sys::tr_run_finish(self.run, status.raw(), i32::from(failed)) };
    }
}
