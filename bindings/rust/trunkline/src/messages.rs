//! What the library says about itself, and where that goes: to the host's function, else to standard error.

use crate::panics::contained;
use crate::value::elements;
use crate::{current, Level};
use std::ffi::{c_char, c_void};
use std::io::Write;
use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, Ordering};
use std::sync::OnceLock;
use std::time::Instant;
use trunkline_sys as sys;

pub(crate) type Log = dyn Fn(Level, &str) + Send + Sync;

/// Of the session that began last; the functions stay until the process ends.
static LOG: AtomicPtr<Box<Log>> = AtomicPtr::new(ptr::null_mut());
static LEVEL: AtomicU32 = AtomicU32::new(sys::TR_LEVEL_WARN);

/// Most warnings of this crate in a minute: what fails now and then may do so often.
const MOST: u32 = 16;
static MINUTE: AtomicU64 = AtomicU64::new(0);
static SAID: AtomicU32 = AtomicU32::new(0);

/// Gives the function to the library.
pub(crate) fn set(config: &mut sys::tr_config, log: Box<Log>) {
    config.log = Some(call);
    config.log_user_data = Box::into_raw(Box::new(log)).cast();
}

/// From now on `warn` goes where the messages of this session go.
pub(crate) fn follow(config: &sys::tr_config) {
    LOG.store(config.log_user_data.cast(), Ordering::Release);
    LEVEL.store(config.log_level, Ordering::Relaxed);
    SAID.store(0, Ordering::Relaxed);
}

fn is_one_too_many() -> bool {
    static BEGIN: OnceLock<Instant> = OnceLock::new();
    let minute = BEGIN.get_or_init(Instant::now).elapsed().as_secs() / 60;
    if MINUTE.swap(minute, Ordering::Relaxed) != minute {
        SAID.store(0, Ordering::Relaxed);
    }
    SAID.fetch_add(1, Ordering::Relaxed) >= MOST
}

/// A warning of this crate, as those of the library.
pub(crate) fn warn(text: &str) {
    if LEVEL.load(Ordering::Relaxed) < sys::TR_LEVEL_WARN || is_one_too_many() {
        return;
    }
    match unsafe { LOG.load(Ordering::Acquire).as_ref() } {
        Some(log) => log(Level::Warn, text),
        None => {
            // Nobody may be there to read it.
            let _written = writeln!(std::io::stderr(), "trunkline warning: {text}");
        }
    }
}

unsafe extern "C" fn call(user_data: *mut c_void, level: sys::tr_level, message: *const c_char, size: usize) {
    let log = unsafe { &*user_data.cast::<Box<Log>>() };
    let text = String::from_utf8_lossy(unsafe { elements(message.cast(), size) });
    contained(|| current::unrecorded(|| log(level_of(level), &text)));
}

fn level_of(raw: sys::tr_level) -> Level {
    match raw {
        sys::TR_LEVEL_ERROR => Level::Error,
        sys::TR_LEVEL_WARN => Level::Warn,
        sys::TR_LEVEL_INFO => Level::Info,
        _ => Level::Debug,
    }
}
