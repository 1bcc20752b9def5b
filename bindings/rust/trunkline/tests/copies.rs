//! Two copies of the library in one process, the one this program is linked with and one that is loaded from another
//! path, do not see each other.
#![cfg(not(feature = "dlopen"))]
#![allow(missing_docs)]

mod common;

use common::World;
use std::ffi::{c_char, c_int, c_void, CString};
use std::path::PathBuf;
use trunkline::{sys, Kind};

/// Where the library lies that this program runs with.
fn linked_library() -> PathBuf {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let line = maps.lines().find(|line| line.contains("/libtrunkline.so")).expect("it is linked dynamically");
    PathBuf::from(&line[line.find('/').unwrap()..])
}

#[test]
fn two_copies_do_not_see_each_other() {
    let world = World::new();
    let copy = world.folder.join("copy.so");
    std::fs::copy(linked_library(), &copy).unwrap();
    let copy = unsafe { libloading::Library::new(&copy) }.unwrap();
    let directory = CString::new(world.folder.join("other").to_str().unwrap()).unwrap();
    let mine = trunkline::trace("mine");
    unsafe {
        let config_init =
            copy.get::<unsafe extern "C" fn(*mut sys::tr_config, usize) -> c_int>(b"tr_config_init").unwrap();
        let init = copy.get::<unsafe extern "C" fn(*const sys::tr_config, *mut c_void) -> c_int>(b"tr_init").unwrap();
        let start =
            copy.get::<unsafe extern "C" fn(*const c_char, usize, *const c_void) -> u64>(b"tr_trace_start").unwrap();
        let end = copy.get::<unsafe extern "C" fn(u64) -> c_int>(b"tr_trace_end").unwrap();
        let shutdown = copy.get::<unsafe extern "C" fn(u32) -> c_int>(b"tr_shutdown").unwrap();
        let stats = copy.get::<unsafe extern "C" fn(*mut sys::tr_stats) -> c_int>(b"tr_stats_get").unwrap();

        let mut config = sys::tr_config::zeroed();
        assert_eq!(config_init(&mut config, size_of::<sys::tr_config>()), 0);
        config.directory = directory.as_ptr();
        config.processors = c"jsonl".as_ptr();
        assert_eq!(init(&config, std::ptr::null_mut()), 0, "it is not started by the other one's start");
        let other = start(c"other".as_ptr(), sys::TR_NUL, std::ptr::null());
        assert_eq!(end(mine.handle()), sys::TR_ESTALE);
        assert_eq!(sys::tr_trace_end(other), sys::TR_ESTALE);
        drop(mine.span("s", Kind::STEP));
        assert_eq!(end(other), 0);
        assert_eq!(shutdown(60_000), 0);
        let mut counts = sys::tr_stats::zeroed();
        counts.struct_size = size_of::<sys::tr_stats>() as u32;
        stats(&mut counts);
        assert_eq!((counts.traces_ended, counts.spans_started), (1, 0));
    }
    drop(mine);
    assert!(world.records().iter().all(|record| record.name != "other"));
    assert_eq!((world.spans().len(), trunkline::stats().traces_started), (1, 1));
    let text = std::fs::read_to_string(world.folder.join("other/traces.jsonl")).unwrap();
    assert!(text.contains("other") && !text.contains("mine"));
}
