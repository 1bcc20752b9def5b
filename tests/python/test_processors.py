"""Processors that misbehave, and what is read of a batch while it goes away."""

import logging

import pytest

import trunkline
from conftest import Keeper, eventually, flush
from probes import Hooks, OnBatch, record_trace
from trunkline import _values


@pytest.mark.parametrize("what", ["attributes", "events", "input"])
def test_a_record_may_be_read_while_its_batch_is_acknowledged(session, monkeypatch, what):
    probe = OnBatch(keep=lambda batch: True).attach()
    values = {f"k{i}": {"n": [i, "x" * 50]} for i in range(8)}
    with trunkline.trace("t"):
        with trunkline.span("s", attributes=values) as span:
            span.event("e", values)
            span.set_input(values)
    assert eventually(lambda: any(record.name == "s" for batch in probe.kept for record in batch))
    batch, record = next((batch, record) for batch in probe.kept for record in batch if record.name == "s")
    decode = _values.json.loads
    acknowledged = []

    class Meddling:
        @staticmethod
        def loads(text):
            if not acknowledged:
                acknowledged.append(batch.ack())
                for i in range(2000):  # what was given back is used again
                    record_trace(f"filler {i}", 1)
            return decode(text)

    monkeypatch.setattr(_values, "json", Meddling)
    found = getattr(record, what)
    assert acknowledged and len(batch) == 0
    assert (found[0].attributes if what == "events" else found) == values
    assert (record.name, len(record.attributes)) == ("s", 8)


def test_a_batch_that_was_retained_by_a_hook_that_failed_is_dropped(session):
    class Failing(OnBatch):
        def on_batch(self, batch):
            self.sizes.append(len(batch))
            batch.retain()
            raise ValueError("after retain")

    probe = Failing().attach()
    record_trace("t", 1)
    assert eventually(lambda: probe.sizes and probe.stats()["rejected_records"] == probe.stats()["offered_records"])
    counts = probe.stats()
    assert counts["rejected_records"] > 0 and counts["pending_records"] == counts["retries"] == 0


def test_the_same_processor_twice_changes_nothing(session):
    before, twice = Keeper(), Keeper()
    trunkline.set_trace_processors([before])
    with pytest.raises(ValueError, match="twice"):
        trunkline.set_trace_processors([twice, twice])
    record_trace("t", 1)
    flush()
    assert len(before.spans()) == 1 and before.endings == 0 and twice.endings == 0
    trunkline.add_trace_processor(twice)


@pytest.mark.parametrize("probe", [OnBatch, Hooks])
def test_no_batch_size_is_the_default(session, probe):
    class Sized(probe):
        batch_size = 0

    attached = Sized().attach()
    record_trace("t", 20)
    flush()
    assert len([name for name in attached.names() if name.startswith("t ")]) >= 20


@pytest.mark.parametrize("probe", [OnBatch, Hooks])
def test_a_filter_of_the_log_that_raises_ends_no_delivery(session, probe):
    class Broken(logging.Filter):
        def filter(self, record):
            raise RuntimeError("broken filter")

    def decide(record):
        if record.name == "bad":
            raise ValueError("refused")

    broken = Broken()
    logging.getLogger("trunkline").addFilter(broken)
    try:
        attached = probe(decide=decide).attach()
        record_trace("bad", 1)
        flush()
        record_trace("good", 1)
        flush()
    finally:
        logging.getLogger("trunkline").removeFilter(broken)
    assert "good" in attached.names() and attached.stats()["rejected_records"] > 0


@pytest.mark.parametrize("keys", ["pin,badge", ["pin", "badge"]])
def test_redaction_takes_one_text_or_a_list(directory, keys):
    keeper = Keeper()
    patterns = "zz-*,yy-*" if isinstance(keys, str) else ["zz-*", "yy-*"]
    trunkline.init(directory, processors=[keeper], redact_keys=keys, redact_patterns=patterns)
    with trunkline.span("s", attributes={"badge": "1234", "pi": "kept", "text": "a yy-secret b", "p": "kept"}):
        pass
    flush()
    attributes = keeper.span("s").attributes
    assert "1234" not in str(attributes) and "secret" not in str(attributes)
    assert (attributes["pi"], attributes["p"]) == ("kept", "kept")


def test_runs_at_wandb_are_files_without_a_key(directory, tmp_path, monkeypatch):
    for name in ("WANDB_API_KEY", "WANDB_MODE"):
        monkeypatch.delenv(name, raising=False)
    config = trunkline.family_preset("Qwen/Qwen3-8B")
    assert config["family"] == "qwen"
    processor = trunkline.wandb_processor(project="p", config=config, tags=["t"], mode="offline", dir=str(tmp_path))
    trunkline.init(directory, processors=[processor])
    with trunkline.span("s"):
        pass
    flush()
    (log,) = tmp_path.glob("wandb/offline-run-*/run-*.wandb")
    assert b"json_decision_v1" in log.read_bytes()


def test_a_family_that_nobody_knows():
    with pytest.raises(ValueError, match="gpt-5"):
        trunkline.family_preset("gpt-5")


def test_credentials_are_not_shown():
    for made in (trunkline.mlflow_processor("https://x", token="s3cret"), trunkline.wandb_processor(api_key="s3cret")):
        assert "s3cret" in made.options and "s3cret" not in repr(made)


def test_a_built_in_processor_is_removed_as_it_was_added(session):
    built_in = trunkline.jsonl_processor()
    first, second = (trunkline.add_trace_processor(built_in) for _ in range(2))
    other = trunkline.add_trace_processor(trunkline.jsonl_processor())
    trunkline.remove_trace_processor(built_in)
    for id in (first, second):
        with pytest.raises(trunkline.TrunklineError):
            trunkline.remove_trace_processor(id)
    with pytest.raises(trunkline.TrunklineError):
        trunkline.remove_trace_processor(built_in)
    trunkline.remove_trace_processor(other)  # an equal one is another
