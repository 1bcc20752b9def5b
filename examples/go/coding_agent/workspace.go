package main

// The folder the agent works in: a small Python program with tests, one of which fails. No path leads out of it.

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

const (
	maxFile     = 64 * 1024
	maxOutput   = 32 * 1024
	testTimeout = 20 * time.Second
	lastOutput  = time.Second // for what outlives the tests and holds their output open
)

const money = `# Amounts of money as text and as whole cents.


def to_cents(text):
    whole, _, fraction = text.partition(".")
    return int(whole) * 100 + int((fraction + "00")[:2])


def to_text(cents):
    return "%d.%02d" % (cents // 100, cents % 100)
`

const shop = `from money import to_cents, to_text


def total(amounts):
    cents = 0
    for i in range(len(amounts)):
        cents += to_cents(amounts[i])
    return to_text(cents)


def discount_percent(quantity):
    if quantity >= 100:
        return 20
    if quantity >= 10:
        return 5
    return 0


def cheapest(prices):
    best = None
    for name in sorted(prices):
        if best is None or to_cents(prices[name]) < to_cents(prices[best]):
            best = name
    return best
`

const tests = `import unittest

from shop import cheapest, discount_percent, total


class ShopTest(unittest.TestCase):
    def test_total(self):
        self.assertEqual(total([]), "0.00")
        self.assertEqual(total(["1.50", "2.25", "3"]), "6.75")

    def test_discount(self):
        self.assertEqual(discount_percent(9), 0)
        self.assertEqual(discount_percent(10), 5)
        self.assertEqual(discount_percent(100), 20)

    def test_cheapest(self):
        self.assertEqual(cheapest({"tea": "2.90", "milk": "2.35"}), "milk")
        self.assertEqual(cheapest({"nuts": "1.10", "oil": "1.99"}), "nuts")


if __name__ == "__main__":
    unittest.main()
`

// bugs are what is right, and what it is made.
var bugs = [][2]string{{"range(len(amounts))", "range(1, len(amounts))"}, {"quantity >= 10:", "quantity > 10:"},
	{"* 100 + int", "* 100 - int"}}

type workspace struct{ folder string }

// newWorkspace makes the folder, which must not exist or be empty; an empty name gives one for temporary files.
func newWorkspace(folder string, bug int) (*workspace, error) {
	made, err := emptyFolder(folder)
	if err != nil {
		return nil, err
	}
	right, wrong := bugs[bug-1][0], bugs[bug-1][1]
	for name, text := range map[string]string{"money.py": strings.ReplaceAll(money, right, wrong),
		"shop.py": strings.ReplaceAll(shop, right, wrong), "test_shop.py": tests} {
		if err := os.WriteFile(filepath.Join(made, name), []byte(text), 0o666); err != nil {
			return nil, err
		}
	}
	return &workspace{made}, nil
}

func emptyFolder(folder string) (string, error) {
	if folder == "" {
		made, err := os.MkdirTemp("", "coding_agent-")
		if err != nil {
			return "", err
		}
		return filepath.EvalSymlinks(made)
	}
	if err := os.MkdirAll(folder, 0o777); err != nil {
		return "", err
	}
	found, err := os.ReadDir(folder)
	if err != nil || len(found) > 0 {
		return "", fmt.Errorf("%s is not an empty folder", folder)
	}
	absolute, err := filepath.Abs(folder)
	if err != nil {
		return "", err
	}
	return filepath.EvalSymlinks(absolute)
}

// files are the names of all files, one a line.
func (w *workspace) files() (string, error) {
	found, err := os.ReadDir(w.folder) // in the order of their names
	names := ""
	for _, each := range found {
		if info, err := os.Stat(filepath.Join(w.folder, each.Name())); err == nil && info.Mode().IsRegular() {
			names += each.Name() + "\n"
		}
	}
	return names, err
}

// resolve finds an existing regular file that lies in the folder, symbolic links resolved.
func (w *workspace) resolve(name string) (string, error) {
	path := name
	if !filepath.IsAbs(name) {
		path = filepath.Join(w.folder, name)
	}
	path, err := filepath.EvalSymlinks(path)
	if err != nil {
		return "", errors.New("there is no file " + name)
	}
	if !strings.HasPrefix(path, w.folder+"/") {
		return "", errors.New(name + " is not in the folder")
	}
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() || info.Size() > maxFile {
		return "", errors.New(name + " is not a file of at most 64 KiB")
	}
	return path, nil
}

func (w *workspace) read(name string) (string, error) {
	path, err := w.resolve(name)
	if err != nil {
		return "", err
	}
	text, err := os.ReadFile(path)
	return string(text), err
}

// edit replaces a text that occurs exactly once. The tests cannot be edited.
func (w *workspace) edit(name, old, changed string) (string, error) {
	path, err := w.resolve(name)
	if err != nil {
		return "", err
	}
	if strings.HasPrefix(filepath.Base(path), "test") {
		return "", errors.New(name + " is a test and stays as it is")
	}
	before, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	text := string(before)
	if old == "" || !strings.Contains(text, old) {
		return "", errors.New("the old text does not occur in " + name)
	}
	if strings.Count(text, old) > 1 {
		return "", errors.New("the old text occurs more than once")
	}
	text = strings.Replace(text, old, changed, 1)
	if len(text) > maxFile {
		return "", errors.New("the file would be too large")
	}
	return "changed " + name, os.WriteFile(path, []byte(text), 0o666)
}

// runTests tells whether they pass, and the exit code and what they print.
func (w *workspace) runTests() (bool, string) {
	path := os.Getenv("PATH")
	if path == "" {
		path = "/usr/local/bin:/usr/bin:/bin"
	}
	child := exec.Command("python3", "-B", "-m", "unittest")
	child.Dir = w.folder
	// Nothing of our own environment: the program under test has no business with our keys.
	child.Env = []string{"PATH=" + path, "HOME=" + w.folder, "PYTHONIOENCODING=utf-8"}
	child.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	child.WaitDelay = lastOutput
	kill := func() { _ = syscall.Kill(-child.Process.Pid, syscall.SIGKILL) } // all it started
	output := bounded{tooMuch: kill}
	child.Stdout, child.Stderr = &output, &output
	if err := child.Start(); err != nil {
		return false, "exit code 127\n\n" + err.Error()
	}
	stopped := time.AfterFunc(testTimeout, kill)
	_ = child.Wait()
	code := exitCode(child.ProcessState)
	text := fmt.Sprintf("exit code %d\n%s", code, output.kept)
	if !stopped.Stop() {
		return false, fmt.Sprintf("%s\nstopped after %d ms", text, testTimeout.Milliseconds())
	}
	if output.over {
		return false, fmt.Sprintf("%s\nstopped after %d bytes of output", text, maxOutput)
	}
	return code == 0, text
}

// exitCode is that of a shell, also of what a signal ended.
func exitCode(state *os.ProcessState) int {
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal())
	}
	return state.ExitCode()
}

// bounded keeps the beginning of an output, and tells once that it is too much.
type bounded struct {
	kept    []byte
	over    bool
	tooMuch func()
}

func (b *bounded) Write(data []byte) (int, error) {
	room := maxOutput - len(b.kept)
	b.kept = append(b.kept, data[:min(len(data), room)]...)
	if len(data) > room && !b.over {
		b.over = true
		b.tooMuch()
	}
	return len(data), nil
}
