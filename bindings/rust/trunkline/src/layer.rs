//! A layer for `tracing`: its spans become spans here, its events events of them.

use crate::current::{self, Place};
use crate::error::words_of;
use crate::{Kind, Span, SpanRef, Value};
use std::error::Error;
use std::fmt::Debug;
use tracing_core::field::{Field, Visit};
use tracing_core::span::{Attributes, Id, Record};
use tracing_core::{Event, Level, Subscriber};
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

/// Records what `tracing` is told. A span is a child of the parent it names, else of what is current here, whoever made that,
/// else it has a trace of its own.
///
/// Fields become attributes. Some of a span have a meaning: `otel.name` is its name, `otel.kind` the name of its [`Kind`]
/// (others are left as they are), both only when it is made; `otel.status_code = "ERROR"` and `otel.status_message` mark it
/// as failed, `input` and `output` are what went in and came out, and an error (`error = &e as &dyn Error`) marks it as
/// failed with all that caused it.
///
/// An event is named by its `otel.name` or else its message; its other fields are its attributes, an error as its message and,
/// under the field's name and `.type`, its type. An event of level `ERROR` marks its span as failed: by its error, also one in
/// words (`error = %e`, as `#[instrument(err)]` has it), else by its message. An event in a trace and in no span is the
/// trace's; one in neither is not recorded.
///
/// A subscriber needs one of these layers. Where there are two, a span is recorded once, but each records the events.
#[derive(Clone, Copy, Debug, Default)]
pub struct Layer {}

impl Layer {
    /// The layer, to be added to a `tracing_subscriber::registry()`.
    pub fn new() -> Self {
        Self {}
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> tracing_subscriber::Layer<S> for Layer {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(new) = context.span(id) else { return };
        if new.extensions().get::<Span>().is_some() {
            return;
        }
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        let name = fields.take("otel.name").unwrap_or_else(|| attributes.metadata().name().into());
        let kind = fields.take_kind().unwrap_or_default();
        let span = if attributes.is_contextual() {
            // Entered spans of `tracing` are current here as well; a span of this crate may be further in.
            crate::span(&name, kind)
        } else {
            let parent = new.parent().and_then(|parent| parent.extensions().get::<Span>().map(Span::as_ref));
            parent.map_or_else(|| Span::with_own_trace(&name, kind), |parent| parent.child(&name, kind))
        };
        fields.set_on(&span);
        new.extensions_mut().insert(span);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = of(id, &context).filter(SpanRef::is_recording) else { return };
        let mut fields = Fields::default();
        values.record(&mut fields);
        fields.set_on(&span);
    }

    fn on_follows_from(&self, id: &Id, follows: &Id, context: Context<'_, S>) {
        let (Some(span), Some(other)) = (of(id, &context), of(follows, &context)) else {
            return;
        };
        if let Some((trace_id, span_id)) = other.ids() {
            let (trace_id, span_id) = (hex(&trace_id), hex(&span_id));
            span.event("follows_from", &[("trace_id", (&trace_id).into()), ("span_id", (&span_id).into())]);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let within =
            context.event_span(event).and_then(|span| span.extensions().get::<Span>().map(|span| span.place()));
        let innermost = if event.is_contextual() { current::place().or(within) } else { within };
        let Some(place) = innermost.filter(|place| place.trace.is_recording()) else { return };
        let mut fields = Fields::default();
        event.record(&mut fields);
        let metadata = event.metadata();
        // What comes from the crate `log` has its own target as a field.
        let of_log = fields.take("log.target");
        let target = of_log.as_deref().unwrap_or(metadata.target());
        if *metadata.level() == Level::ERROR {
            fields.fail(place, target, metadata.name());
        }
        let name = fields.take("otel.name").or_else(|| fields.take("message"));
        let level = metadata.level().as_str().to_lowercase();
        let types: Vec<_> = fields.errors.iter().map(|error| format!("{}.type", error.field)).collect();
        let mut attributes = vec![("level", Value::Str(&level)), ("target", Value::Str(target))];
        attributes.extend(fields.values.iter().map(|(key, value)| (*key, value.lend())));
        for (error, type_key) in fields.errors.iter().zip(&types) {
            attributes.push((error.field, Value::Str(&error.message)));
            attributes.push((type_key, Value::Str(&error.error_type)));
        }
        let name = name.as_deref().unwrap_or(metadata.name());
        match span_at(place) {
            Some(span) => drop(span.event(name, &attributes)),
            None => drop(place.trace.event(name, &attributes)),
        }
    }

    fn on_enter(&self, id: &Id, context: Context<'_, S>) {
        if let Some(span) = of(id, &context) {
            current::push(span.place());
        }
    }

    fn on_exit(&self, id: &Id, context: Context<'_, S>) {
        let Some(left) = context.span(id) else { return };
        if let Some(span) = left.extensions().get::<Span>() {
            // An executor catches the panic of a task, and the span closes when nothing panics any more.
            span.fail_in_panic();
            current::pop(span.place());
        };
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let ended = context.span(&id).and_then(|span| span.extensions_mut().remove::<Span>());
        drop(ended);
    }
}

fn of<S: Subscriber + for<'a> LookupSpan<'a>>(id: &Id, context: &Context<'_, S>) -> Option<SpanRef> {
    context.span(id)?.extensions().get::<Span>().map(Span::as_ref)
}

/// Not there: the trace itself is meant.
fn span_at(place: Place) -> Option<SpanRef> {
    (place.span != 0).then_some(SpanRef { trace: place.trace, span: place.span })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A value that outlives the visit.
enum Kept {
    Bool(bool),
    I64(i64),
    F64(f64),
    Text(String),
}

impl Kept {
    fn lend(&self) -> Value<'_> {
        match self {
            Self::Bool(value) => Value::Bool(*value),
            Self::I64(value) => Value::I64(*value),
            Self::F64(value) => Value::F64(*value),
            Self::Text(value) => Value::Str(value),
        }
    }

    fn to_text(&self) -> String {
        match self {
            Self::Bool(value) => value.to_string(),
            Self::I64(value) => value.to_string(),
            Self::F64(value) => value.to_string(),
            Self::Text(value) => value.clone(),
        }
    }
}

/// An error, and the field it was given in.
struct Fault {
    field: &'static str,
    error_type: String,
    message: String,
}

/// The fields of a span or event, errors apart.
#[derive(Default)]
struct Fields {
    values: Vec<(&'static str, Kept)>,
    errors: Vec<Fault>,
}

impl Fields {
    fn keep(&mut self, field: &Field, value: Kept) {
        self.values.push((field.name(), value));
    }

    fn text(&self, key: &str) -> Option<String> {
        self.values.iter().find(|(each, _)| *each == key).map(|(_, value)| value.to_text())
    }

    fn take(&mut self, key: &str) -> Option<String> {
        let text = self.text(key)?;
        self.values.retain(|(each, _)| *each != key);
        Some(text)
    }

    /// The kind, if the field names one; if not, it stays.
    fn take_kind(&mut self) -> Option<Kind> {
        let kind = Kind::named(&self.text("otel.kind")?)?;
        self.take("otel.kind");
        Some(kind)
    }

    fn set_on(mut self, span: &SpanRef) {
        let code = self.text("otel.status_code");
        let failed = code.is_some_and(|code| code.eq_ignore_ascii_case("error"));
        if failed {
            self.take("otel.status_code");
        }
        // Beside an error it is one attribute more.
        let status_message = if self.errors.is_empty() { self.take("otel.status_message") } else { None };
        for (key, value) in &self.values {
            match *key {
                "input" => span.set_input(&value.to_text()),
                "output" => span.set_output(&value.to_text()),
                key => span.set(key, value.lend()),
            };
        }
        if let Some((last, others)) = self.errors.split_last() {
            for error in others {
                span.set(error.field, &error.message);
            }
            span.set_error(&last.error_type, &last.message);
        } else if failed || status_message.is_some() {
            span.set_error("error", status_message.as_deref().unwrap_or(""));
        }
    }

    /// Marks what an event happened in as failed, by its error or else its words.
    fn fail(&self, place: Place, target: &str, name: &str) {
        let words = ["error", "message", "otel.name"].into_iter().find_map(|key| self.text(key));
        let (error_type, message) = match self.errors.last() {
            Some(error) => (error.error_type.as_str(), error.message.as_str()),
            None => (target, words.as_deref().unwrap_or(name)),
        };
        match span_at(place) {
            Some(span) => drop(span.set_error(error_type, message)),
            None => drop(place.trace.set_error(error_type, message)),
        }
    }
}

impl Visit for Fields {
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.keep(field, Kept::Bool(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.keep(field, Kept::I64(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.keep(field, i64::try_from(value).map_or(Kept::F64(value as f64), Kept::I64));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.keep(field, Kept::F64(value));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.keep(field, Kept::Text(value.into()));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        let (error_type, message) = words_of(value);
        self.errors.push(Fault { field: field.name(), error_type, message });
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.keep(field, Kept::Text(format!("{value:?}")));
    }
}
