//! Trunkline in Rust: a tracer for LLM agents that never blocks them and loses nothing, not even to `kill -9`.
//!
//! ```no_run
//! use trunkline::{Kind, Usage};
//!
//! fn main() -> trunkline::Result<()> {
//!     let _session = trunkline::init()?; // traces go to ./.trunkline/traces.db
//!
//!     let trace = trunkline::trace("answer a question");
//!     let _in_trace = trace.enter();
//!     let call = trunkline::span("chat", Kind::GENERATION);
//!     call.set_model("gpt-4o")
//!         .set_input("What is 6 times 7?")
//!         .set_output("42")
//!         .set_usage(Usage::new(14, 2))
//!         .set("temperature", 0.7);
//!     drop(call); // from here on the span survives kill -9
//!     trace.set("stop_reason", "success");
//!     Ok(())
//! }
//! ```
//!
//! A [`Span`] ends when it is dropped. Nothing that is recorded panics or returns an error: what is lost, and what comes too
//! late, is counted, see [`stats()`]. What is given wrong to a call, such as an empty key, is left out, as a rule
//! without a count; [`SpanRef::try_set`] tells. The functions of the C API lie in [`sys`].

mod artifact;
mod config;
mod current;
mod error;
mod future;
mod hooks;
mod json;
mod kind;
#[cfg(feature = "tracing")]
mod layer;
mod messages;
#[cfg(doctest)]
mod misuse;
mod options;
mod panics;
mod processor;
mod propagation;
mod record;
mod run;
mod session;
mod span;
mod stats;
mod timed;
mod trace;
mod value;

pub use trunkline_sys as sys;

pub use artifact::{wandb_download_artifact, Artifact, Media};
pub use config::{Builder, Content, Durability, Level, Overflow, Recorder};
pub use current::{current_span, current_trace, current_traceparent, span, Entered};
pub use error::{Error, Result};
pub use future::{InSpan, InSpanExt, Scope};
pub use kind::Kind;
#[cfg(feature = "tracing")]
pub use layer::Layer;
pub use options::{console, family_preset, jsonl, local, mlflow, wandb, Options};
pub use processor::{
    add_processor, find_processor, remove_processor, save_state, set_processors, Outcome, Processor, ProcessorId,
    Refusal, Registration,
};
pub use propagation::Context;
pub use record::{Attribute, Batch, Event, Record, RecordType, Records, Retained};
pub use run::{Run, RunBuilder, RunStatus};
pub use session::{flush, init, shutdown, version, Session};
pub use span::{Span, SpanRef};
pub use stats::{processor_stats, stats, Mode, ProcessorStats, Stats, Tally};
pub use timed::TimedSpan;
pub use trace::{trace, Trace, TraceBuilder, TraceRef};
pub use value::{Text, Usage, Value};
