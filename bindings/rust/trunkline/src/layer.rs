//! A layer for `tracing`: its spans become spans here, its events events of them.

use crate::current::{self, Place};
use crate::error::words_of;
use crate::{current_span, Kind, Span, SpanRef, Value};
use std::error::Error;
use std::fmt::Debug;
use tracing_core::field::{Field, Visit};
use tracing_core::span::{Attributes, Id, Record};
use tracing_core::{Event, Level, Subscriber};
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

/// Records what `tracing` is told. A span is a child of the `tracing` span it is in, else of the current span here, else
/// it has a trace of its own.
///
/// Fields become attributes. Some have a meaning: `otel.name` is the name of the span, `otel.kind` the name of its
/// [`Kind`] (others are left as they are), `otel.status_code = "ERROR"` and `otel.status_message` mark it as failed,
/// `input` and `output` are what went in and came out, and an error (`error = &e as &dyn Error`) marks it as failed with all
/// that caused it. An event of level `ERROR` marks its span as failed, too.
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
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        let name = fields.name.take().unwrap_or_else(|| attributes.metadata().name().into());
        let kind = fields.kind.unwrap_or_default();
        let parent = new.parent().and_then(|parent| parent.extensions().get::<Span>().map(Span::as_ref));
        let span = match parent {
            Some(parent) => parent.child(&name, kind),
            None if attributes.is_root() => Span::with_own_trace(&name, kind),
            None => crate::span(&name, kind),
        };
        fields.set_on(&span);
        new.extensions_mut().insert(span);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = of(id, &context) else { return };
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
        let within = context.event_span(event).and_then(|span| span.extensions().get::<Span>().map(Span::as_ref));
        let Some(span) = within.or_else(current_span) else {
            return;
        };
        let mut fields = Fields::default();
        event.record(&mut fields);
        let metadata = event.metadata();
        let name = fields.name.take().or_else(|| fields.message.clone()).unwrap_or_else(|| metadata.name().into());
        let level = metadata.level().as_str().to_lowercase();
        let mut attributes = vec![("level", Value::Str(&level)), ("target", Value::Str(metadata.target()))];
        attributes.extend(fields.values.iter().map(|(key, value)| (*key, value.lend())));
        span.event(&name, &attributes);
        if *metadata.level() == Level::ERROR {
            let (error_type, message) = fields.error.unwrap_or_else(|| (metadata.target().into(), name));
            span.set_error(&error_type, &message);
        }
    }

    fn on_enter(&self, id: &Id, context: Context<'_, S>) {
        if let Some(place) = place(id, &context) {
            current::push(place);
        }
    }

    fn on_exit(&self, id: &Id, context: Context<'_, S>) {
        if let Some(place) = place(id, &context) {
            current::pop(place);
        }
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let ended = context.span(&id).and_then(|span| span.extensions_mut().remove::<Span>());
        drop(ended);
    }
}

fn of<S: Subscriber + for<'a> LookupSpan<'a>>(id: &Id, context: &Context<'_, S>) -> Option<SpanRef> {
    context.span(id)?.extensions().get::<Span>().map(Span::as_ref)
}

fn place<S: Subscriber + for<'a> LookupSpan<'a>>(id: &Id, context: &Context<'_, S>) -> Option<Place> {
    of(id, context).map(|span| span.place())
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

    fn into_text(self) -> String {
        match self {
            Self::Bool(value) => value.to_string(),
            Self::I64(value) => value.to_string(),
            Self::F64(value) => value.to_string(),
            Self::Text(value) => value,
        }
    }
}

/// The fields of a span or event, those with a meaning apart.
#[derive(Default)]
struct Fields {
    name: Option<String>,
    kind: Option<Kind>,
    message: Option<String>,
    input: Option<String>,
    output: Option<String>,
    failed: bool,
    status_message: Option<String>,
    error: Option<(String, String)>,
    values: Vec<(&'static str, Kept)>,
}

impl Fields {
    fn keep(&mut self, field: &Field, value: Kept) {
        match field.name() {
            "otel.name" => self.name = Some(value.into_text()),
            "otel.kind" => match value {
                Kept::Text(text) => match Kind::named(&text) {
                    Some(kind) => self.kind = Some(kind),
                    None => self.values.push((field.name(), Kept::Text(text))),
                },
                other => self.values.push((field.name(), other)),
            },
            "otel.status_code" => self.failed = value.into_text().eq_ignore_ascii_case("error"),
            "otel.status_message" => self.status_message = Some(value.into_text()),
            "message" => self.message = Some(value.into_text()),
            "input" => self.input = Some(value.into_text()),
            "output" => self.output = Some(value.into_text()),
            name => self.values.push((name, value)),
        }
    }

    fn set_on(&self, span: &SpanRef) {
        for (key, value) in &self.values {
            span.set(key, value.lend());
        }
        if let Some(message) = &self.message {
            span.set("message", message);
        }
        if let Some(input) = &self.input {
            span.set_input(input);
        }
        if let Some(output) = &self.output {
            span.set_output(output);
        }
        if let Some((error_type, message)) = &self.error {
            span.set_error(error_type, message);
        } else if self.failed || self.status_message.is_some() {
            span.set_error("error", self.status_message.as_deref().unwrap_or(""));
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

    fn record_error(&mut self, _field: &Field, value: &(dyn Error + 'static)) {
        self.error = Some(words_of(value));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.keep(field, Kept::Text(format!("{value:?}")));
    }
}
