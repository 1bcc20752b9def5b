//! What must not compile, each beside what is right.

/// What ends as soon as it is dropped is not dropped by mistake.
/// ```no_run
/// #![deny(unused_must_use)]
/// let _trace = trunkline::trace("t");
/// ```
/// ```compile_fail
/// #![deny(unused_must_use)]
/// trunkline::trace("t");
/// ```
/// ```compile_fail
/// #![deny(unused_must_use)]
/// trunkline::span("s", trunkline::Kind::TOOL);
/// ```
pub struct Unused;

/// What may go to other threads, and be used by several.
/// ```
/// fn sent<T: Send>() {}
/// fn shared<T: Send + Sync>() {}
/// shared::<(trunkline::Trace, trunkline::Span, trunkline::Run, trunkline::Session, trunkline::Retained)>();
/// shared::<(trunkline::Options, trunkline::Context, trunkline::Error, trunkline::Value<'static>)>();
/// sent::<(trunkline::Builder, trunkline::Registration)>();
/// ```
/// ```compile_fail
/// fn sent<T: Send>() {}
/// sent::<trunkline::Entered<'static>>();
/// ```
/// ```compile_fail
/// fn sent<T: Send>() {}
/// sent::<trunkline::Record<'static>>();
/// ```
pub struct Threads;

/// A guard stays on its thread.
/// ```no_run
/// fn spawn(_task: impl Send) {}
/// spawn(async {
///     drop(trunkline::trace("t").enter());
///     std::future::ready(()).await;
/// });
/// ```
/// ```compile_fail
/// fn spawn(_task: impl Send) {}
/// spawn(async {
///     let trace = trunkline::trace("t");
///     let _entered = trace.enter();
///     std::future::ready(()).await;
/// });
/// ```
pub struct GuardAcrossAwait;

/// What a record shows does not outlive its batch.
/// ```no_run
/// fn name(kept: trunkline::Retained) -> String {
///     let name = kept.batch().records().next().map_or("", |record| record.name()).to_string();
///     kept.ack(Ok(())).map_or(String::new(), |()| name)
/// }
/// ```
/// ```compile_fail
/// fn name(kept: trunkline::Retained) -> String {
///     let name = kept.batch().records().next().map_or("", |record| record.name());
///     kept.ack(Ok(())).map_or(String::new(), |()| name.to_string())
/// }
/// ```
/// ```compile_fail
/// struct Keeps(Vec<trunkline::Record<'static>>);
/// impl trunkline::Processor for Keeps {
///     fn on_record(&mut self, record: &trunkline::Record<'_>) -> trunkline::Outcome {
///         self.0.push(*record);
///         Ok(())
///     }
/// }
/// ```
pub struct KeptTooLong;
