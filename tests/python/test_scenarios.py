"""Every conformance scenario through Python, as objects of the package and as functions of the module; and the controls: what
is skipped is listed, and an altered scenario fails."""

from __future__ import annotations

import pytest
from conftest import ROOT
from scenario_player import CANNOT, Player, altered, read
from scenario_speakers import Functions, Objects

CONFORMANCE = ROOT / "tests" / "conformance"
SCENARIOS = {path.stem: path for path in sorted((CONFORMANCE / "scenarios").glob("*.json"))}
SPEAKERS = {"objects": Objects, "functions": Functions}
SEES = {"objects": {None}, "functions": {None, "results"}}


def reasons(name, speaker):
    """Why a scenario cannot be said, if so."""
    cannot = CANNOT | SPEAKERS[speaker].cannot
    return [f"{need}: {cannot[need]}" for need in read(SCENARIOS[name]).get("needs", []) if need in cannot]


def play(scenario, speaker, folder):
    return Player(scenario, SPEAKERS[speaker](), folder).run()


@pytest.mark.parametrize("speaker, name", [(speaker, name) for speaker in SPEAKERS for name in SCENARIOS
                                           if not reasons(name, speaker)])
def test_scenario(speaker, name, tmp_path):
    assert play(read(SCENARIOS[name]), speaker, tmp_path) == []


@pytest.mark.parametrize("speaker", SPEAKERS)
def test_what_cannot_be_said_is_listed(speaker):
    listed = (CONFORMANCE / "skips" / f"python_{speaker}.txt").read_text().split()
    assert listed == [name for name in SCENARIOS if reasons(name, speaker)]


@pytest.mark.parametrize("speaker", SPEAKERS)
def test_altered_scenarios_fail(speaker, tmp_path):
    played = 0
    for i, alteration in enumerate(read(CONFORMANCE / "alterations.json")):
        name = alteration["scenario"]
        if reasons(name, speaker) or alteration.get("sees") not in SEES[speaker]:
            continue
        folder = tmp_path / str(i)
        folder.mkdir()
        played += 1
        try:
            failures = play(altered(read(SCENARIOS[name]), alteration), speaker, folder)
        except Exception as error:  # noqa: BLE001 - a refusal, or a call that Python does not take
            failures = [error]
        assert failures, alteration
    assert played > 30
