//! Runs: each call arrives as a record of its own, and a run finishes when it is dropped.
#![allow(missing_docs)]

mod common;

use common::World;
use trunkline::{sys, Artifact, Media, Options, RecordType, Run, RunStatus};

#[test]
fn a_run_from_start_to_finish() {
    let world = World::new();
    let trace = trunkline::trace("t");
    let run = Run::builder("tuning").project("agents").group("g").trace(trace.as_ref()).config("lr", 0.1).start();
    run.log(Some(1), &[("loss", 0.5.into())]).unwrap();
    run.log(None, &[("loss", 0.25.into())]).unwrap();
    run.set_summary(&[("best", 0.25.into())]).unwrap();
    run.set_config(&[("seed", 7.into())]).unwrap();
    run.set_tag("nightly", "").unwrap();
    let file = world.folder.join("loss.png");
    std::fs::write(&file, "picture").unwrap();
    run.log_artifact("plots/loss.png", &file).unwrap();
    assert_eq!(run.log_artifact("../up", &file).unwrap_err().code(), sys::TR_EINVAL);
    assert_eq!(run.log_artifact("gone", world.folder.join("gone")).unwrap_err().code(), sys::TR_EIO);
    run.finish(RunStatus::Failed, 3).unwrap();
    drop(trace);

    let start = &world.of_type(RecordType::RUN_START)[0];
    assert_eq!((start.name.as_str(), start.text("project"), start.text("group_id")), ("tuning", "agents", "g"));
    assert_eq!(start.attributes["lr"], "F64(0.1)");
    assert_eq!(start.trace_id, world.of_type(RecordType::TRACE_END)[0].trace_id);
    let steps: Vec<_> = world.of_type(RecordType::RUN_LOG).iter().map(|each| each.step).collect();
    assert_eq!(steps, [Some(1), None]);
    assert_eq!(world.of_type(RecordType::RUN_SUMMARY)[0].attributes["best"], "F64(0.25)");
    assert_eq!(world.of_type(RecordType::RUN_CONFIG)[0].attributes["seed"], "I64(7)");
    assert_eq!(world.of_type(RecordType::RUN_TAG)[0].name, "nightly");
    assert_eq!(world.of_type(RecordType::RUN_ARTIFACT)[0].name, "plots/loss.png");
    assert_eq!(world.of_type(RecordType::RUN_FINISH)[0].run_result, (sys::TR_RUN_FAILED, 3));
}

#[test]
fn a_run_that_is_dropped_finishes_and_one_that_a_panic_leaves_has_failed() {
    let world = World::new();
    drop(Run::builder("good").start());
    let result = std::panic::catch_unwind(|| {
        let _run = Run::builder("bad").start();
        panic!("on purpose");
    });
    assert!(result.is_err());
    let results: Vec<_> = world.of_type(RecordType::RUN_FINISH).iter().map(|each| each.run_result).collect();
    assert_eq!(results, [(sys::TR_RUN_FINISHED, 0), (sys::TR_RUN_FAILED, 1)]);
}

#[test]
fn artifacts_and_media() {
    let world = World::new();
    let (page, weights) = (world.folder.join("page.html"), world.folder.join("weights.bin"));
    std::fs::write(&page, "<p>hello</p>").unwrap();
    std::fs::write(&weights, "weights").unwrap();
    let run = Run::builder("training").start();
    run.log_media(Some(3), "report", Media::Html, &page).unwrap();
    assert_eq!(run.log_media(None, "report", Media::Image, &page).unwrap_err().code(), sys::TR_EINVAL);
    let artifact = Artifact::new("net", "model").description("small").alias("best").metadata("layers", 2);
    assert_eq!(run.add_artifact(&artifact).unwrap_err().code(), sys::TR_EINVAL, "no file at all");
    run.add_artifact(&artifact.file("", &weights).file("docs/page.html", &page)).unwrap();
    run.use_artifact("data:latest").unwrap();
    drop(run);

    let media = &world.of_type(RecordType::RUN_MEDIA)[0];
    assert_eq!((media.name.as_str(), media.step), ("report", Some(3)));
    let added = &world.of_type(RecordType::RUN_ADD_ARTIFACT)[0];
    assert_eq!(added.name, "net");
    assert_eq!(
        (added.attributes["type"].as_str(), added.attributes["description"].as_str()),
        ("Str(\"model\")", "Str(\"small\")")
    );
    assert!(added.attributes["files"].contains("docs/page.html") && added.attributes["files"].contains("weights.bin"));
    assert_eq!(world.of_type(RecordType::RUN_USE_ARTIFACT)[0].name, "data:latest");
    let wrong =
        trunkline::wandb_download_artifact(&Options::new().text("no_such_option", "x"), "e/p/n:v0", &world.folder);
    assert_eq!(wrong.unwrap_err().code(), sys::TR_EINVAL);
}

#[test]
fn presets_of_families_and_the_version() {
    let preset: serde_json::Value = serde_json::from_str(&trunkline::family_preset("anthropic").unwrap()).unwrap();
    assert_eq!(preset["context_window"], 200_000);
    assert!(trunkline::family_preset("no such family").is_none());
    assert_eq!(trunkline::version().split('.').count(), 3);
}
