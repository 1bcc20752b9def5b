//! What the library is started with: the environment, and above it what the program sets.

use crate::messages::{self, Log};
use crate::panics::contained;
use crate::value::elements;
use crate::{current, Error, Result, Session};
use std::ffi::{c_char, c_int, c_void, CString, OsStr};
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;
use trunkline_sys as sys;

macro_rules! choices {
    ($($(#[$meta:meta])* $name:ident { $($(#[$of:meta])* $variant:ident = $constant:ident,)* })*) => {
        $(
            $(#[$meta])*
            #[derive(Clone, Copy, Debug, PartialEq, Eq)]
            pub enum $name {
                $($(#[$of])* $variant,)*
            }

            impl $name {
                fn raw(self) -> u32 {
                    match self {
                        $(Self::$variant => sys::$constant,)*
                    }
                }
            }
        )*
    };
}

choices! {
    /// Where finished records are kept until every durable processor has them.
    Durability {
        /// No log on disk: a crash loses what was not delivered.
        Memory = TR_DURABILITY_MEMORY,
        /// Survives `kill -9` of the process; the default.
        Log = TR_DURABILITY_LOG,
        /// Survives the machine as well.
        Fsync = TR_DURABILITY_FSYNC,
    }
    /// Where records lie before they are logged.
    Recorder {
        /// In a mapped file, which survives `kill -9`; the default.
        File = TR_RECORDER_FILE,
        /// In memory: a kill loses the last milliseconds.
        Memory = TR_RECORDER_MEMORY,
    }
    /// Whether what was said is recorded.
    Content {
        /// Everything; the default.
        On = TR_CONTENT_ON,
        /// Only names, kinds, times, numbers and well-known fields.
        Off = TR_CONTENT_OFF,
    }
    /// What happens to a new span when the memory is used up.
    Overflow {
        /// It is not recorded, and counted; the default.
        DropNewest = TR_OVERFLOW_DROP_NEWEST,
        /// It waits for a while first.
        Block = TR_OVERFLOW_BLOCK,
    }
    /// How much the library says about itself.
    Level {
        /// Nothing.
        Off = TR_LEVEL_OFF,
        /// What was lost or cannot work.
        Error = TR_LEVEL_ERROR,
        /// And what works less well than it should; the default.
        Warn = TR_LEVEL_WARN,
        /// And what may be of interest.
        Info = TR_LEVEL_INFO,
        /// Everything.
        Debug = TR_LEVEL_DEBUG,
    }
}

type Place = fn(&mut sys::tr_config) -> &mut *const c_char;
type Change = Box<dyn FnOnce(&mut sys::tr_config) + Send>;
type Redact = dyn Fn(&str, &str) -> bool + Send + Sync;

/// Configures and starts the library. What is not set here is taken from the environment (`TRUNKLINE_...`), else it has
/// its default.
#[must_use = "the library starts with init()"]
#[derive(Default)]
pub struct Builder {
    texts: Vec<(Place, Vec<u8>)>,
    changes: Vec<Change>,
    log: Option<Box<Log>>,
    redact: Option<Box<Redact>>,
    exit_timeout: Option<Duration>,
}

impl fmt::Debug for Builder {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Builder").finish_non_exhaustive()
    }
}

impl Builder {
    /// The environment and the defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Where traces go; `./.trunkline` if there is nothing better.
    pub fn directory(self, folder: impl AsRef<Path>) -> Self {
        self.text(|config| &mut config.directory, folder.as_ref().as_os_str())
    }

    /// Where the recorder's file lies; for example `/dev/shm`.
    pub fn recorder_directory(self, folder: impl AsRef<Path>) -> Self {
        self.text(|config| &mut config.recorder_directory, folder.as_ref().as_os_str())
    }

    /// The name of the service; else the program's.
    pub fn service_name(self, name: &str) -> Self {
        self.text(|config| &mut config.service_name, name.as_ref())
    }

    /// Built-in processors to begin with, comma-separated, or `none`; `local` by default.
    pub fn processors(self, names: &str) -> Self {
        self.text(|config| &mut config.processors, names.as_ref())
    }

    /// Keys to redact besides the built-in ones, comma-separated.
    pub fn redact_keys(self, keys: &str) -> Self {
        self.text(|config| &mut config.redact_keys, keys.as_ref())
    }

    /// Patterns to redact besides the built-in ones, comma-separated; `acme-*` hides what follows as well.
    pub fn redact_patterns(self, patterns: &str) -> Self {
        self.text(|config| &mut config.redact_patterns, patterns.as_ref())
    }

    /// Bytes of the recorder.
    pub fn max_memory(self, bytes: u64) -> Self {
        self.change(move |config| config.max_memory = bytes)
    }

    /// Bytes of the log before the slowest processor loses its oldest records.
    pub fn max_disk(self, bytes: u64) -> Self {
        self.change(move |config| config.max_disk = bytes)
    }

    /// Longer values are cut and flagged.
    pub fn max_value_bytes(self, bytes: u64) -> Self {
        self.change(move |config| config.max_value_bytes = bytes)
    }

    /// Most attributes of one span, trace or event.
    pub fn max_attributes(self, count: u32) -> Self {
        self.change(move |config| config.max_attributes = count)
    }

    /// See [`Durability`].
    pub fn durability(self, durability: Durability) -> Self {
        self.change(move |config| config.durability = durability.raw())
    }

    /// See [`Recorder`].
    pub fn recorder(self, recorder: Recorder) -> Self {
        self.change(move |config| config.recorder = recorder.raw())
    }

    /// See [`Content`].
    pub fn content(self, content: Content) -> Self {
        self.change(move |config| config.content = content.raw())
    }

    /// See [`Overflow`].
    pub fn overflow(self, overflow: Overflow) -> Self {
        self.change(move |config| config.overflow = overflow.raw())
    }

    /// How long a new span waits with [`Overflow::Block`].
    pub fn block_timeout(self, timeout: Duration) -> Self {
        self.change(move |config| config.block_timeout_ms = milliseconds(timeout))
    }

    /// How long spans of an ended trace may still end.
    pub fn end_grace(self, grace: Duration) -> Self {
        self.change(move |config| config.end_grace_ms = milliseconds(grace))
    }

    /// How long dropping the [`Session`], or the exit of a program that did not, may wait; two seconds by default.
    pub fn exit_timeout(mut self, timeout: Duration) -> Self {
        self.exit_timeout = Some(timeout);
        self.change(move |config| config.exit_timeout_ms = milliseconds(timeout))
    }

    /// The share of traces that is recorded, decided by their ids.
    pub fn sample_ratio(self, ratio: f64) -> Self {
        self.change(move |config| config.sample_ratio = ratio)
    }

    /// Records nothing; every call is a cheap no-op.
    pub fn disabled(self, disabled: bool) -> Self {
        self.flag(sys::TR_CONFIG_DISABLED, disabled)
    }

    /// Leaves what dead processes left behind to others.
    pub fn no_adoption(self) -> Self {
        self.flag(sys::TR_CONFIG_NO_ADOPTION, true)
    }

    /// Redacts nothing but what is named here.
    pub fn no_default_redaction(self) -> Self {
        self.flag(sys::TR_CONFIG_NO_DEFAULT_REDACTION, true)
    }

    /// Does not flush when the program exits.
    pub fn no_exit_hook(self) -> Self {
        self.flag(sys::TR_CONFIG_NO_EXIT_HOOK, true)
    }

    /// How much the library says about itself.
    pub fn log_level(self, level: Level) -> Self {
        self.change(move |config| config.log_level = level.raw())
    }

    /// Takes the library's messages, on its threads, inside `init`, and inside calls of a run that refuse a file; otherwise
    /// they go to standard error. It must not block, must not call the library, and is kept until the process ends. It may
    /// use `tracing`: spans of it are not recorded here.
    pub fn log(mut self, log: impl Fn(Level, &str) + Send + Sync + 'static) -> Self {
        self.log = Some(Box::new(log));
        self
    }

    /// Decides by key and text whether a text is replaced by `__redacted__`, on a thread of the library; names, inputs and other
    /// fields come with an empty key. It must not block, must not call the library, and is kept until the process ends. One
    /// that panics hides the text.
    pub fn redact(mut self, redact: impl Fn(&str, &str) -> bool + Send + Sync + 'static) -> Self {
        self.redact = Some(Box::new(redact));
        self
    }

    /// Starts the library. The result ends it when it is dropped.
    pub fn init(self) -> Result<Session> {
        sys::load()?;
        let mut config = sys::tr_config::zeroed();
        unsafe { sys::tr_config_init(&mut config, size_of::<sys::tr_config>()) };
        let mut kept = Vec::new();
        for (place, text) in self.texts {
            let text =
                CString::new(text).map_err(|_| Error::new(sys::TR_EINVAL, "a text of the configuration holds NUL"))?;
            *place(&mut config) = text.as_ptr();
            kept.push(text);
        }
        for change in self.changes {
            change(&mut config);
        }
        // A thread that a shutdown has abandoned, and a child after a fork, may call these at any time: they stay.
        if let Some(log) = self.log {
            messages::set(&mut config, log);
        }
        if let Some(redact) = self.redact {
            config.redact = Some(call_redact);
            config.redact_user_data = Box::into_raw(Box::new(redact)).cast();
        }
        let timeout = self.exit_timeout.unwrap_or(Duration::from_millis(config.exit_timeout_ms.into()));
        let session = Session::start(&config, timeout)?;
        messages::follow(&config);
        Ok(session)
    }

    fn text(mut self, place: Place, text: &OsStr) -> Self {
        self.texts.push((place, text.as_bytes().to_vec()));
        self
    }

    fn change(mut self, change: impl FnOnce(&mut sys::tr_config) + Send + 'static) -> Self {
        self.changes.push(Box::new(change));
        self
    }

    fn flag(self, flag: u32, on: bool) -> Self {
        self.change(move |config| {
            if on {
                config.flags |= flag;
            } else {
                config.flags &= !flag;
            }
        })
    }
}

/// As the library takes them: what does not fit is as long as can be said.
pub(crate) fn milliseconds(duration: Duration) -> u32 {
    u32::try_from(duration.as_millis()).unwrap_or(u32::MAX)
}

unsafe extern "C" fn call_redact(
    user_data: *mut c_void,
    key: *const c_char,
    key_size: usize,
    value: *const c_char,
    value_size: usize,
) -> c_int {
    let redact = unsafe { &*user_data.cast::<Box<Redact>>() };
    let key = String::from_utf8_lossy(unsafe { elements(key.cast(), key_size) });
    let value = String::from_utf8_lossy(unsafe { elements(value.cast(), value_size) });
    c_int::from(contained(|| current::unrecorded(|| redact(&key, &value))).unwrap_or(true))
}

/// The error of a call that fills a `tr_error`.
pub(crate) fn with_message(call: impl FnOnce(&mut sys::tr_error) -> c_int) -> Result<()> {
    let mut error = sys::tr_error::zeroed();
    error.struct_size = size_of::<sys::tr_error>() as u32;
    let code = call(&mut error);
    if code == sys::TR_OK {
        return Ok(());
    }
    let message = crate::error::text_at(error.message.as_ptr());
    Err(if message.is_empty() { Error::of(code) } else { Error::new(code, message) })
}
