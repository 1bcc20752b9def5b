//! The folder the agent works in: a small Python program with tests, one of which fails. No path leads out of it.

use crate::subprocess;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const MAX_FILE: u64 = 64 * 1024;
const MAX_OUTPUT: usize = 32 * 1024;
const TIMEOUT: Duration = Duration::from_secs(20);

const MONEY: &str = r#"# Amounts of money as text and as whole cents.


def to_cents(text):
    whole, _, fraction = text.partition(".")
    return int(whole) * 100 + int((fraction + "00")[:2])


def to_text(cents):
    return "%d.%02d" % (cents // 100, cents % 100)
"#;

const SHOP: &str = r#"from money import to_cents, to_text


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
"#;

const TESTS: &str = r#"import unittest

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
"#;

pub const BUGS: usize = 3;

/// What is right and what is wrong. Each occurs once in one of the files above.
const PLANTED: [(&str, &str); BUGS] = [
    ("range(len(amounts))", "range(1, len(amounts))"),
    ("quantity >= 10:", "quantity > 10:"),
    ("* 100 + int", "* 100 - int"),
];

pub struct Workspace {
    folder: PathBuf,
}

impl Workspace {
    /// Makes the folder, which must not exist or be empty; an empty name gives one in the folder for temporary files.
    pub fn create(folder: &str, bug: usize) -> Result<Self, String> {
        let made = if folder.is_empty() { temporary()? } else { empty_folder(folder)? };
        let (right, wrong) = PLANTED[bug - 1];
        let write = || {
            let folder = made.canonicalize()?;
            fs::write(folder.join("money.py"), MONEY.replace(right, wrong))?;
            fs::write(folder.join("shop.py"), SHOP.replace(right, wrong))?;
            fs::write(folder.join("test_shop.py"), TESTS)?;
            Ok(Self { folder })
        };
        write().map_err(|error: std::io::Error| format!("cannot write into {}: {error}", made.display()))
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    pub fn files(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let files = entries.filter(|entry| entry.path().is_file());
        let mut names: Vec<String> = files.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    /// The path of an existing regular file that lies in the folder, symbolic links resolved.
    fn resolve(&self, name: &str) -> Result<PathBuf, String> {
        let path = self.folder.join(name).canonicalize().map_err(|_| format!("there is no file {name}"))?;
        if !path.starts_with(&self.folder) || path == self.folder {
            return Err(format!("{name} is not in the folder"));
        }
        match fs::metadata(&path) {
            Ok(about) if about.is_file() && about.len() <= MAX_FILE => Ok(path),
            _ => Err(format!("{name} is not a file of at most 64 KiB")),
        }
    }

    pub fn read(&self, name: &str) -> Result<String, String> {
        let bytes = fs::read(self.resolve(name)?).map_err(|_| format!("cannot read {name}"))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Replaces `old`, which must occur exactly once. The tests cannot be edited.
    pub fn edit(&self, name: &str, old: &str, new: &str) -> Result<String, String> {
        let path = self.resolve(name)?;
        if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("test")) {
            return Err(format!("{name} is a test and stays as it is"));
        }
        let text = self.read(name)?;
        if old.is_empty() || !text.contains(old) {
            return Err(format!("the old text does not occur in {name}"));
        }
        if text.matches(old).count() > 1 {
            return Err("the old text occurs more than once".into());
        }
        let changed = text.replace(old, new);
        if changed.len() as u64 > MAX_FILE {
            return Err("the file would be too large".into());
        }
        fs::write(path, changed).map_err(|_| format!("cannot write {name}"))?;
        Ok(format!("changed {name}"))
    }

    /// Whether the tests pass, and the exit code and what they print.
    pub fn run_tests(&self) -> (bool, String) {
        let mut command = Command::new("python3");
        command.args(["-B", "-m", "unittest"]).current_dir(&self.folder);
        // Nothing of our own environment: the program under test has no business with our keys.
        let path = std::env::var_os("PATH").unwrap_or_else(|| "/usr/local/bin:/usr/bin:/bin".into());
        command.env_clear().env("PATH", path).env("HOME", &self.folder).env("PYTHONIOENCODING", "utf-8");
        let finished = subprocess::run(command, Vec::new(), TIMEOUT, MAX_OUTPUT);
        let printed = String::from_utf8_lossy(&finished.output);
        let mut text = format!("exit code {}\n{printed}", finished.exit_code);
        if let Some(error) = &finished.error {
            text += &format!("\n{error}");
        }
        (finished.error.is_none() && finished.exit_code == 0, text)
    }
}

fn empty_folder(name: &str) -> Result<PathBuf, String> {
    let made = fs::create_dir_all(name).and_then(|()| fs::read_dir(name));
    match made.map(|mut entries| entries.next().is_none()) {
        Ok(true) => Ok(name.into()),
        _ => Err(format!("{name} is not an empty folder")),
    }
}

fn temporary() -> Result<PathBuf, String> {
    let base = std::env::temp_dir();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos());
    let folder = base.join(format!("coding_agent-{}-{now:x}", std::process::id()));
    fs::create_dir(&folder).map_err(|error| format!("cannot make {}: {error}", folder.display()))?;
    Ok(folder)
}
