//! No panic leaves what the library calls.

use std::panic::{catch_unwind, AssertUnwindSafe};

/// What `work` returns, or `None` when it panics.
pub(crate) fn contained<T>(work: impl FnOnce() -> T) -> Option<T> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(result) => Some(result),
        Err(thrown) => {
            // What was thrown may panic itself when it is dropped; what that throws stays where it is.
            if let Err(again) = catch_unwind(AssertUnwindSafe(|| drop(thrown))) {
                std::mem::forget(again);
            }
            None
        }
    }
}
