//! W3C trace context, to follow an agent across processes.

use crate::error::check;
use crate::{session, Result};
use trunkline_sys as sys;

/// Where a trace continues from: what a `traceparent` says.
#[derive(Clone, Copy, Debug)]
pub struct Context(sys::tr_context);

impl Context {
    /// Reads a `traceparent`; an error when it is not a valid one.
    pub fn extract(traceparent: &str) -> Result<Self> {
        let mut context = sys::tr_context::zeroed();
        context.struct_size = size_of::<sys::tr_context>() as u32;
        let (text, size) = (traceparent.as_ptr().cast(), traceparent.len());
        check(unsafe { sys::tr_context_extract(text, size, &mut context) })?;
        Ok(Self(context))
    }

    /// The id of the trace.
    pub fn trace_id(&self) -> [u8; 16] {
        self.0.trace_id
    }

    /// The id of the span.
    pub fn span_id(&self) -> [u8; 8] {
        self.0.span_id
    }

    /// The flags of W3C trace context: 1 is sampled, 2 a random trace id.
    pub fn flags(&self) -> u32 {
        self.0.flags
    }

    /// Whether it is recorded there.
    pub fn is_sampled(&self) -> bool {
        self.0.flags & 1 != 0
    }

    pub(crate) fn raw(&self) -> *const sys::tr_context {
        &self.0
    }
}

/// What a trace that is not recorded leaves: the context that came, which is handed on, and the session that did not record
/// it. In words: every span holds one, and these are copied without a branch. The trace id of no context is 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct PassedOn {
    trace_id: [u64; 2],
    span_id: u64,
    flags: u32,
    session: u32,
}

impl PassedOn {
    /// Of a trace that was not accepted now.
    pub(crate) fn unrecorded(context: Option<Context>) -> Self {
        let none = Self { session: session::number(), ..Self::default() };
        let Some(context) = context else { return none };
        let trace_id = u128::from_be_bytes(context.trace_id());
        Self {
            trace_id: [(trace_id >> 64) as u64, trace_id as u64],
            span_id: u64::from_be_bytes(context.span_id()),
            flags: context.flags(),
            ..none
        }
    }

    /// Whether what is below is not recorded either. What began before the session did says nothing about it.
    #[inline]
    pub(crate) fn is_for_all_below(&self) -> bool {
        self.trace_id != [0; 2] || self.session == session::number()
    }

    /// The `traceparent` that says this.
    pub(crate) fn to_text(self) -> Option<String> {
        let ([high, low], span_id, flags) = (self.trace_id, self.span_id, self.flags);
        (self.trace_id != [0; 2]).then(|| format!("00-{high:016x}{low:016x}-{span_id:016x}-{flags:02x}"))
    }
}

/// The `traceparent` of a span or trace; `None` when there is nothing to go on from.
pub(crate) fn inject(handle: u64) -> Option<String> {
    let mut text = [0u8; sys::TR_TRACEPARENT_SIZE + 1];
    let result = unsafe { sys::tr_context_inject(handle, text.as_mut_ptr().cast(), text.len()) };
    if result != sys::TR_OK {
        return None;
    }
    Some(String::from_utf8_lossy(&text[..sys::TR_TRACEPARENT_SIZE]).into_owned())
}
