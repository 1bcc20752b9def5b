//! No panic leaves what the library calls.

use std::any::Any;
use std::panic::{catch_unwind, AssertUnwindSafe};

/// What `work` returns, or `None` when it panics.
pub(crate) fn contained<T>(work: impl FnOnce() -> T) -> Option<T> {
    or_words(work).ok()
}

/// What `work` returns, or the words it panics with.
pub(crate) fn or_words<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|thrown| {
        let words = words_of(&*thrown);
        // What was thrown may panic itself when it is dropped; what that throws stays where it is.
        if let Err(again) = catch_unwind(AssertUnwindSafe(|| drop(thrown))) {
            std::mem::forget(again);
        }
        words
    })
}

fn words_of(thrown: &(dyn Any + Send)) -> String {
    let words = thrown.downcast_ref::<&str>().copied().or_else(|| thrown.downcast_ref::<String>().map(String::as_str));
    format!("panicked: {}", words.unwrap_or("not in words"))
}
