#!/usr/bin/env python3
"""The runs of a project as W&B's own client reads them: verify_wandb.py ENTITY/PROJECT prints one line of JSON, runs by
their name. Where the server is and who asks, W&B's own variables say."""
import json
import sys

import wandb


def told(run):
    return {"id": run.id, "state": run.state, "tags": run.tags, "name": run.name, "group": run.group,
            "job_type": run.job_type, "notes": run.notes, "config": run.config,
            "summary": {key: value for key, value in run.summary._json_dict.items()},
            "history": list(run.scan_history()), "files": sorted(file.name for file in run.files())}


def main():
    runs = wandb.Api().runs(sys.argv[1])
    print(json.dumps({run.name: told(wandb.Api().run(f"{sys.argv[1]}/{run.id}")) for run in runs}, default=str))


if __name__ == "__main__":
    main()
