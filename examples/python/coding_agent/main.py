#!/usr/bin/env python3
"""A small coding agent that does real work: it makes a program with a bug, and repairs it.

With OPENAI_BASE_URL set it asks that server (OPENAI_API_KEY, OPENAI_MODEL), else a planner which needs none. Exit
code 0: the tests pass. 1: they do not. 2: it could not begin."""

from __future__ import annotations

import argparse
import os
import sys

import trunkline
from agent import Agent, Report
from cost_meter import CostMeter, Price
from model import Model
from openai_model import OpenAiModel
from planner import Planner
from workspace import BUGS, Workspace, WorkspaceError


def read_price(text: str) -> Price:
    price = Price(*map(float, text.split(",")))
    if min(price) < 0:
        raise ValueError(text)
    return price


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bug", type=int, choices=range(1, len(BUGS) + 1), required=True)
    parser.add_argument("--dir", default="", help="an empty folder, or one to make")
    parser.add_argument("--max-steps", type=int, default=60)
    parser.add_argument("--price", type=read_price, default=Price(), help="IN,OUT: dollars for a million tokens")
    return parser.parse_args()


def choose_model() -> Model:
    url = os.environ.get("OPENAI_BASE_URL")
    if not url:
        print("model: the deterministic planner, for OPENAI_BASE_URL is not set; its token counts are estimates")
        return Planner()
    name = os.environ.get("OPENAI_MODEL") or "gpt-4o-mini"
    model = OpenAiModel(url, os.environ.get("OPENAI_API_KEY", ""), name)
    print(f"model: {name} at the server of OPENAI_BASE_URL")
    return model


def repair(arguments: argparse.Namespace, workspace: Workspace, model: Model) -> Report:
    with trunkline.trace("repair a program") as trace:
        trace.update({"bug": arguments.bug, "folder": str(workspace.folder), "model": model.name})
        report = Agent(workspace, model, arguments.max_steps).work()
        trace.set("stop_reason", report.stop_reason)
        if not report.passed:
            trace.set_error(report.stop_reason, "the tests do not pass")
    return report


def main() -> int:
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    arguments = read_arguments()
    try:
        model = choose_model()
        workspace = Workspace(arguments.dir, arguments.bug)
    except (ValueError, OSError, WorkspaceError) as error:
        print(error, file=sys.stderr)
        return 2
    print(f"folder: {workspace.folder}")
    try:
        trunkline.init()
        trunkline.add_trace_processor(CostMeter(arguments.price, sys.stdout))
    except trunkline.TrunklineError as error:  # an agent works without its tracer, too
        print(f"not traced: {error}", file=sys.stderr)
    price = arguments.price
    print(f"price: ${price.input:.2f} and ${price.output:.2f} for a million tokens in and out")
    report = repair(arguments, workspace, model)
    trunkline.shutdown()
    print(f"{'the tests pass' if report.passed else 'the tests do not pass'} after {report.steps} steps "
          f"({report.stop_reason})")
    return 0 if report.passed else 1


if __name__ == "__main__":
    sys.exit(main())
