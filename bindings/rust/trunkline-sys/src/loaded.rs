//! The functions, found when the program runs: in the file that `TRUNKLINE_LIBRARY` names, else in `libtrunkline.so.0`
//! wherever the loader finds it. A set-user-id program does not hear what its user says. The library is never unloaded.

use crate::error::check_abi;
use crate::{types::*, LoadError};
use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};
use std::ffi::{c_char, c_int, c_ulong, c_void, OsString};
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::sync::Mutex;

const DEFAULT_NAME: &str = "libtrunkline.so.0";

/// Set once, to what is never freed.
static TABLE: AtomicPtr<Table> = AtomicPtr::new(ptr::null_mut());
static LOADING: Mutex<()> = Mutex::new(());

/// What a function returns as long as there is no library.
trait Absent {
    fn absent() -> Self;
}

impl Absent for c_int {
    fn absent() -> Self {
        crate::TR_ESTATE
    }
}

impl Absent for u32 {
    fn absent() -> Self {
        0
    }
}

impl Absent for u64 {
    fn absent() -> Self {
        0
    }
}

impl<T> Absent for *const T {
    fn absent() -> Self {
        ptr::null()
    }
}

impl<T> Absent for *mut T {
    fn absent() -> Self {
        ptr::null_mut()
    }
}

macro_rules! define {
    ($(fn $name:ident($($argument:ident: $type:ty),*) -> $result:ty;)*) => {
        struct Table {
            $($name: unsafe extern "C" fn($($type),*) -> $result,)*
        }

        impl Table {
            fn of(library: &Library, named: &str) -> Result<Self, LoadError> {
                Ok(Self {
                    $($name: *unsafe { library.get(concat!(stringify!($name), "\0").as_bytes()) }.map_err(|_| {
                        LoadError::LacksFunction { library: named.into(), function: stringify!($name) }
                    })?,)*
                })
            }
        }

        $(
            /// As in trunkline.h.
            ///
            /// # Safety
            /// The arguments must be what the header asks for.
            #[inline]
            pub unsafe fn $name($($argument: $type),*) -> $result {
                let table = TABLE.load(Ordering::Acquire);
                if table.is_null() {
                    return Absent::absent();
                }
                unsafe { ((*table).$name)($($argument),*) }
            }
        )*
    };
}

functions!(define);

/// Loads the library, once. After an error it may be tried again.
pub fn load() -> Result<(), LoadError> {
    let _one_at_a_time = LOADING.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    if !TABLE.load(Ordering::Acquire).is_null() {
        return Ok(());
    }
    let name = chosen().unwrap_or_else(|| DEFAULT_NAME.into());
    let shown = name.to_string_lossy().into_owned();
    let library = unsafe { Library::open(Some(&name), RTLD_NOW | RTLD_LOCAL) }
        .map_err(|error| LoadError::NotFound { library: shown.clone(), reason: cause_of(&error) })?;
    let version = unsafe { library.get::<unsafe extern "C" fn() -> u32>(b"tr_abi_version\0") }
        .map_err(|_| LoadError::LacksFunction { library: shown.clone(), function: "tr_abi_version" })?;
    check_abi(&shown, unsafe { version() })?;
    let table = Table::of(&library, &shown)?;
    std::mem::forget(library);
    TABLE.store(Box::into_raw(Box::new(table)), Ordering::Release);
    Ok(())
}

extern "C" {
    fn getauxval(kind: c_ulong) -> c_ulong;
}

/// From `elf.h`: the program has more rights than its user.
const AT_SECURE: c_ulong = 23;

fn chosen() -> Option<OsString> {
    if unsafe { getauxval(AT_SECURE) } != 0 {
        return None;
    }
    std::env::var_os("TRUNKLINE_LIBRARY").filter(|name| !name.is_empty())
}

fn cause_of(error: &libloading::Error) -> String {
    match std::error::Error::source(error) {
        Some(source) => source.to_string(),
        None => error.to_string(),
    }
}
