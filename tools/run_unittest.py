#!/usr/bin/env python3
"""Runs the unittest cases of some files, in one process, and prints a line a case, as the other checks do.
usage: run_unittest.py FILE..."""
import os
import sys
import unittest


class Lines(unittest.TestResult):
    def addSuccess(self, test):
        super().addSuccess(test)
        print(f"ok {test.id()}", flush=True)

    def addFailure(self, test, err):
        super().addFailure(test, err)
        print(f"FAILED {test.id()}\n{self.failures[-1][1]}", flush=True)

    def addError(self, test, err):
        super().addError(test, err)
        print(f"FAILED {test.id()}\n{self.errors[-1][1]}", flush=True)

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        print(f"skipped {test.id()}\n{reason}", flush=True)

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            print(f"FAILED {subtest.id()}\n{(self.failures + self.errors)[-1][1]}", flush=True)

    def addExpectedFailure(self, test, err):
        super().addExpectedFailure(test, err)
        print(f"ok {test.id()}", flush=True)

    def addUnexpectedSuccess(self, test):
        super().addUnexpectedSuccess(test)
        print(f"FAILED {test.id()}\nit was expected to fail", flush=True)


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    ok = True
    for file in sys.argv[1:]:
        folder, name = os.path.split(os.path.abspath(file))
        sys.path.insert(0, folder)
        result = Lines()
        unittest.defaultTestLoader.loadTestsFromName(os.path.splitext(name)[0]).run(result)
        ok = ok and result.wasSuccessful() and result.testsRun > 0
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
