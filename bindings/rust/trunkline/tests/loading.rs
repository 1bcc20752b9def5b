//! The library found at run time: it is there, it is not, or it is something else; and after many others.
#![cfg(feature = "dlopen")]
#![allow(missing_docs)]

mod common;

use common::{child_task, fresh_folder, run_child, run_program, Done, LIMIT};
use std::path::{Path, PathBuf};
use std::process::Command;
use trunkline::{sys, Builder, Kind};

fn compile(folder: &Path, name: &str, code: &str, more: &[&str]) -> PathBuf {
    let source = folder.join(format!("{name}.c"));
    std::fs::write(&source, code).unwrap();
    let library = folder.join(format!("{name}.so"));
    let done =
        Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&library).arg(&source).args(more).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    library
}

fn span_of_c_is_refused() -> bool {
    unsafe { sys::tr_span_set_i64(0, c"k".as_ptr(), 1, 1) == sys::TR_ESTATE }
}

fn use_before_it_is_there() {
    let trace = trunkline::trace("t");
    let span = trace.span("s", Kind::STEP);
    assert!(!span.is_recording() && !trace.is_recording());
    span.set("k", 1).set_model("m");
    span.try_set("k", 1).unwrap();
    span.end().unwrap();
    assert!(span_of_c_is_refused());
    assert_eq!(trunkline::flush(LIMIT).unwrap_err().code(), sys::TR_ESTATE);
    assert_eq!(trunkline::stats().spans_started, 0);
    assert!(trunkline::find_processor("local").is_none());
}

fn record() {
    let session = Builder::new().processors("jsonl").init().unwrap();
    drop(trunkline::span("found", Kind::STEP));
    session.shutdown(LIMIT).unwrap();
    assert_eq!(trunkline::stats().spans_ended, 1);
}

#[test]
fn child() {
    match child_task().as_deref() {
        None => {}
        Some("load") => {
            use_before_it_is_there();
            match trunkline::init() {
                Ok(session) => session.shutdown(LIMIT).unwrap(),
                Err(error) => {
                    use_before_it_is_there();
                    println!("error {}: {error}", error.code());
                    assert!(trunkline::local(&trunkline::Options::new()).is_err());
                }
            }
        }
        Some("record") => record(),
        Some("late") => {
            let folder = std::env::var("TRUNKLINE_TEST_LIBRARIES").unwrap();
            let refused = std::fs::read_dir(folder).unwrap().find_map(|entry| {
                let library = unsafe { libloading::Library::new(entry.unwrap().path()) };
                library.map(std::mem::forget).err()
            });
            let refused = refused.expect("there was room for all of them");
            assert!(format!("{refused:?}").contains("static TLS"), "{refused:?}");
            record();
        }
        Some(other) => panic!("{other}"),
    }
}

fn load(library: &Path) -> Done {
    let folder = fresh_folder();
    let done = run_child("load", &folder, &[("TRUNKLINE_LIBRARY", library.to_str().unwrap())]);
    assert!(done.status.success(), "{}{}", done.stdout, done.stderr);
    done
}

fn stub(folder: &Path, name: &str, version: u32) -> PathBuf {
    compile(folder, name, &format!("unsigned tr_abi_version(void) {{ return {version:#x}u; }}\n"), &[])
}

#[test]
fn a_library_that_is_missing_is_named() {
    let done = load(Path::new("/nowhere/libtrunkline.so.0"));
    let error = format!("error {}: cannot load /nowhere/libtrunkline.so.0", sys::TR_ENOENT);
    assert!(done.stdout.contains(&error), "{}", done.stdout);
}

#[test]
fn what_is_no_library_or_another_one_is_refused() {
    let folder = fresh_folder();
    let text = folder.join("text.so");
    std::fs::write(&text, "no library").unwrap();
    assert!(load(&text).stdout.contains("cannot load"));
    let other = compile(&folder, "other", "int something_else;\n", &[]);
    let done = load(&other);
    assert!(done.stdout.contains("has no tr_abi_version: it is not libtrunkline"), "{}", done.stdout);
    let old = stub(&folder, "old", sys::TR_ABI_VERSION);
    assert!(load(&old).stdout.contains("has no tr_strerror"), "it lacks what this program needs");
}

#[test]
fn a_set_user_id_program_is_not_told_what_to_load() {
    use std::os::unix::fs::{chown, PermissionsExt};
    let folder = fresh_folder();
    let program = folder.join("program");
    std::fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    if chown(&program, Some(65534), None).is_err() {
        return; // only root makes one
    }
    std::fs::set_permissions(&program, PermissionsExt::from_mode(0o4755)).unwrap();
    let done = run_program(&program, "load", &folder, &[("TRUNKLINE_LIBRARY", "/nowhere/libtrunkline.so.0")]);
    assert!(done.status.success() && !done.stdout.contains("/nowhere"), "{}{}", done.stdout, done.stderr);
}

#[test]
fn another_abi_is_refused_with_both_versions() {
    let folder = fresh_folder();
    for (name, version, said) in
        [("major", sys::TR_ABI_VERSION + 0x2_0000, "2.1"), ("minor", sys::TR_ABI_VERSION - 1, "0.0")]
    {
        let done = load(&stub(&folder, name, version));
        let wanted = format!("has ABI version {said}, this program needs 0.1");
        assert!(done.stdout.contains(&wanted), "{}", done.stdout);
    }
}

#[test]
fn the_right_library_records() {
    let folder = fresh_folder();
    let done = run_child("record", &folder, &[]);
    assert!(done.status.success(), "{}{}", done.stdout, done.stderr);
    assert!(std::fs::read_to_string(folder.join("traces.jsonl")).unwrap().contains("found"));
}

#[test]
fn it_is_found_when_no_static_thread_local_storage_is_left() {
    let (sources, libraries) = (fresh_folder(), fresh_folder());
    for number in 0..40 {
        let code = format!(
            "__thread char filler_{number}[64] = {{1}};\nchar *get_{number}(void) {{ return filler_{number}; }}\n"
        );
        let library = compile(&sources, &format!("filler{number}"), &code, &["-ftls-model=initial-exec"]);
        std::fs::rename(&library, libraries.join(library.file_name().unwrap())).unwrap();
    }
    let folder = fresh_folder();
    let done = run_child("late", &folder, &[("TRUNKLINE_TEST_LIBRARIES", libraries.to_str().unwrap())]);
    assert!(done.status.success(), "{}{}", done.stdout, done.stderr);
    assert!(std::fs::read_to_string(folder.join("traces.jsonl")).unwrap().contains("found"));
}
