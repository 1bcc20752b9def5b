//! The life of the library in a process: started once, flushed, shut down.

use crate::config::{milliseconds, with_message};
use crate::error::{check, text_at};
use crate::{Builder, Result};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use trunkline_sys as sys;

static NUMBER: AtomicU32 = AtomicU32::new(0);

/// Which session of this crate it is; 0 before the first.
pub(crate) fn number() -> u32 {
    NUMBER.load(Ordering::Relaxed)
}

/// Starts the library with the environment and the defaults; [`Builder`] takes more.
pub fn init() -> Result<Session> {
    Builder::new().init()
}

/// The version of the loaded library, for example "0.1.0"; empty when there is none.
pub fn version() -> String {
    text_at(unsafe { sys::tr_version() })
}

/// Waits until every processor has what was recorded before.
pub fn flush(timeout: Duration) -> Result<()> {
    check(unsafe { sys::tr_flush(milliseconds(timeout)) })
}

/// Ends what is open, delivers what is left and stops the library. What durable processors do not have by then waits for
/// the next start. There is one library in a process: a [`Session`] that is dropped later ends whatever runs then.
pub fn shutdown(timeout: Duration) -> Result<()> {
    check(unsafe { sys::tr_shutdown(milliseconds(timeout)) })
}

/// The library at work. Dropping this flushes and shuts down, within the exit timeout.
#[must_use = "dropping the session ends the library"]
#[derive(Debug)]
pub struct Session {
    timeout: Duration,
}

impl Session {
    pub(crate) fn start(config: &sys::tr_config, timeout: Duration) -> Result<Self> {
        with_message(|error| unsafe { sys::tr_init(config, error) })?;
        NUMBER.fetch_add(1, Ordering::Relaxed);
        Ok(Self { timeout })
    }

    /// As [`flush`].
    pub fn flush(&self, timeout: Duration) -> Result<()> {
        flush(timeout)
    }

    /// As [`shutdown`]; it says whether the time was enough.
    pub fn shutdown(self, timeout: Duration) -> Result<()> {
        self.detach();
        shutdown(timeout)
    }

    /// Leaves the library running until [`shutdown`] or the exit of the program, which delivers to the built-in processors.
    pub fn detach(self) {
        std::mem::forget(self);
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        unsafe { sys::tr_shutdown(milliseconds(self.timeout)) };
    }
}
