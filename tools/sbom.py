#!/usr/bin/env python3
"""Writes the bill of materials of what was built, as SPDX 2.3 in JSON: sbom.py VERSION LIBRARY OUT

What is inside the library (its own sources, the C++ runtime, header-only JSON and protobuf) and what it needs beside it
(SQLite, the C library), each with the version on this machine. Two builds of one revision give the same text: the time
is that of the revision, or $SOURCE_DATE_EPOCH."""
import datetime
import hashlib
import json
import os
import re
import subprocess
import sys


def output(*command):
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def created():
    seconds = os.environ.get("SOURCE_DATE_EPOCH") or output("git", "log", "-1", "--format=%ct") or "0"
    return datetime.datetime.fromtimestamp(int(seconds), datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def header_version(header, *names):
    """The numbers of some #defines, joined by dots."""
    found = output("bash", "-c", f"echo '#include <{header}>' | c++ -x c++ -std=c++17 -E -dM -")
    numbers = [re.search(rf"#define {name} \"?([\d.]+)", found) for name in names]
    return ".".join(number.group(1) for number in numbers) if all(numbers) else "NOASSERTION"


def parts():
    """(name, version, licence, relation to the library, where it is from)"""
    json_names = [f"NLOHMANN_JSON_VERSION_{part}" for part in ("MAJOR", "MINOR", "PATCH")]
    yield ("sqlite3", header_version("sqlite3.h", "SQLITE_VERSION"), "blessing", "DYNAMIC_LINK",
           "https://www.sqlite.org/download.html")
    yield ("nlohmann-json", header_version("nlohmann/json.hpp", *json_names), "MIT", "STATIC_LINK",
           "https://github.com/nlohmann/json")
    yield ("protozero", header_version("protozero/version.hpp", "PROTOZERO_VERSION_STRING"), "BSD-2-Clause", "STATIC_LINK",
           "https://github.com/mapbox/protozero")
    yield ("libstdc++", output("c++", "-dumpfullversion"), "GPL-3.0-or-later WITH GCC-exception-3.1", "STATIC_LINK",
           "https://gcc.gnu.org/")
    yield ("glibc", header_version("features.h", "__GLIBC__", "__GLIBC_MINOR__"), "LGPL-2.1-or-later", "DYNAMIC_LINK",
           "https://www.gnu.org/software/libc/")


def identifier(name):
    return "SPDXRef-Package-" + re.sub(r"[^A-Za-z0-9.]", "-", name)


def package(name, version, licence, location, **more):
    return {"name": name, "SPDXID": identifier(name), "versionInfo": version, "downloadLocation": location,
            "filesAnalyzed": False, "licenseConcluded": licence, "licenseDeclared": licence,
            "copyrightText": "NOASSERTION", **more}


def document(version, library):
    with open(library, "rb") as file:
        digest = hashlib.sha256(file.read()).hexdigest()
    own = package("trunkline", version, "Apache-2.0", "NOASSERTION", primaryPackagePurpose="LIBRARY",
                  checksums=[{"algorithm": "SHA256", "checksumValue": digest}])
    packages, relations = [own], [("SPDXRef-DOCUMENT", "DESCRIBES", own["SPDXID"])]
    for name, its_version, licence, relation, location in parts():
        packages.append(package(name, its_version, licence, location))
        relations.append((own["SPDXID"], relation, identifier(name)))
    return {
        "spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT",
        "name": f"trunkline-{version}", "documentNamespace": f"https://trunkline.dev/spdx/{version}/{digest}",
        "creationInfo": {"created": created(), "creators": ["Tool: trunkline-sbom"]},
        "packages": packages,
        "relationships": [{"spdxElementId": a, "relationshipType": relation, "relatedSpdxElement": b}
                          for a, relation, b in relations],
    }


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    version, library, out = sys.argv[1:]
    with open(out, "w", encoding="utf-8") as file:
        json.dump(document(version, library), file, indent=1)
        file.write("\n")


if __name__ == "__main__":
    main()
