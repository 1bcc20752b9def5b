# Samples for test_summary.py: what CI says of runs of every kind. Read by tools/selftest.sh.
# shellcheck shell=bash

results=$place/results
# run_of KIND EXIT LOG: one step that ended so.
run_of() {
  rm -rf "$results"
  mkdir -p "$results/build-results/test/step" "$results/tests"
  echo 2 >"$results/tests/floor.txt"
  echo 'step/may skip' >"$results/tests/allowed_skips.txt"
  echo "$1" >"$results/build-results/test/step/kind"
  [[ -z $2 ]] || echo "$2" >"$results/build-results/test/step/exit"
  printf '%b' "$3" >"$results/build-results/test/step/log"
}
junit() { printf '<testsuite>%s</testsuite>' "$1" >"$results/build-results/test/step/results.xml"; }
summed() { in_folder "$results" "$tools/test_summary.py" test --ci "$@"; }
pass='<testcase name="a" classname="a" status="run"/><testcase name="b" classname="b" status="run"/>'

run_of lines 0 'ok one\nnoise\nok two\n'
accepts "a good run" summed
accepts "its one line" grep -qx '2 passed, 0 failed, 0 skipped' <(summed)
refuses "a command that failed after a good run" '^2 passed, 1 failed, 0 skipped$' summed --status 2
run_of lines 0 'ok one\n'
refuses "too few tests" 'fewer than the 2' summed
run_of lines 1 'ok one\nok two\nFAILED three\n    because\n'
refuses "a failed check" '^2 passed, 1 failed, 0 skipped$' summed
run_of lines 0 'ok one\nok two\nskipped may skip\n'
accepts "an allowed skip" summed
run_of lines 0 'ok one\nok two\nskipped other\n'
refuses "another skip" 'is not in tests/allowed_skips.txt' summed
run_of lines '' 'ok one\nok two\n'
refuses "a step that was cut off" 'did not finish' summed
run_of build 1 'error: no\n'
refuses "a build that failed" 'the step ended with 1' summed
run_of ctest 0 ''
refuses "a runner that ran nothing" 'tested nothing' summed
run_of ctest 0 ''
junit "$pass"
accepts "a good run of ctest" summed
junit "$pass"'<testcase name="c" classname="c" status="notrun"><skipped message="SKIP_REGULAR_EXPRESSION_MATCHED"/></testcase>'
refuses "a skip of GoogleTest" 'step/c was skipped' summed
junit "$pass"'<testcase name="c" classname="c" status="notrun"><skipped message="Unable to find executable"/></testcase>'
refuses "a test whose program is missing" 'not run: Unable' summed
junit "$pass"'<testcase name="c" classname="c" status="fail"><failure message="Timeout"/></testcase>'
refuses "a failed test of ctest" '^2 passed, 1 failed, 0 skipped$' summed
echo '<testsuite><testcase' >"$results/build-results/test/step/results.xml"
refuses "a result file that was cut off" 'cannot be read' summed
rm -rf "$results/build-results"
refuses "a run without any step" '^0 passed, 1 failed, 0 skipped$' summed

# unit_case BODY: one file of unittest.
unit_case() {
  printf 'import unittest\n\n\nclass Case(unittest.TestCase):\n    def test_it(self):\n        %s\n' "$1" >"$place/case_test.py"
  "$tools/run_unittest.py" "$place/case_test.py"
}
accepts "a good case of unittest" unit_case 'self.assertTrue(True)'
accepts "its line" grep -x 'ok case_test.Case.test_it' <(unit_case 'self.assertTrue(True)')
refuses "a failed case of unittest" '^FAILED case_test' unit_case 'self.assertTrue(False)'
refuses "an error in a case of unittest" '^FAILED case_test' unit_case 'nothing()'
