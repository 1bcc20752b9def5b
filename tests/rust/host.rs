//! A program as somebody writes it who only has the crate: built outside of the repository by run.sh.

use trunkline::{Kind, Usage};

fn main() -> trunkline::Result<()> {
    let session = trunkline::init()?;
    let trace = trunkline::trace("from outside");
    {
        let _in_trace = trace.enter();
        trunkline::span("chat", Kind::GENERATION).set_model("some-model").set_usage(Usage::new(14, 2));
    }
    trace.end()?;
    session.shutdown(std::time::Duration::from_secs(30))
}
