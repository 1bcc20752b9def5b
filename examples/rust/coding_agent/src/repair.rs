//! What the planner knows about programs: how to read a failing test, where a function begins and ends, and which small
//! changes to it are worth a try. Text in, text out.

use std::collections::BTreeMap;

/// The first failure in what Python's unittest prints.
#[derive(Default)]
pub struct Failure {
    /// Name of the test.
    pub test: String,
    /// The line of the test that failed.
    pub line: String,
    /// "AssertionError: ..." or another error.
    pub complaint: String,
}

/// File name to text.
pub type Sources = BTreeMap<String, String>;

#[derive(Default)]
pub struct Function {
    pub file: String,
    pub name: String,
    /// From `def` to its last line.
    pub text: String,
}

#[derive(Default)]
pub struct Change {
    /// For people: "`a` to `b`".
    pub what: String,
    /// Of the whole function, changed.
    pub text: String,
}

#[derive(Clone, Copy, PartialEq)]
enum Sort {
    Boundary,
    Arithmetic,
    Index,
    Logic,
}

const RULES: &[(Sort, &str, &str)] = &[
    (Sort::Boundary, " < ", " <= "),
    (Sort::Boundary, " <= ", " < "),
    (Sort::Boundary, " > ", " >= "),
    (Sort::Boundary, " >= ", " > "),
    (Sort::Index, "range(1, ", "range("),
    (Sort::Index, "range(", "range(1, "),
    (Sort::Index, " - 1)", ")"),
    (Sort::Index, ")):", ") + 1):"),
    (Sort::Index, "[0]", "[-1]"),
    (Sort::Index, "[-1]", "[0]"),
    (Sort::Index, "[1:]", ""),
    (Sort::Arithmetic, " + ", " - "),
    (Sort::Arithmetic, " - ", " + "),
    (Sort::Arithmetic, " * ", " // "),
    (Sort::Arithmetic, " // ", " * "),
    (Sort::Arithmetic, "+=", "-="),
    (Sort::Arithmetic, "-=", "+="),
    (Sort::Logic, " == ", " != "),
    (Sort::Logic, " != ", " == "),
    (Sort::Logic, " and ", " or "),
    (Sort::Logic, " or ", " and "),
    (Sort::Logic, "min(", "max("),
    (Sort::Logic, "max(", "min("),
    (Sort::Logic, "True", "False"),
    (Sort::Logic, "False", "True"),
    (Sort::Logic, " < ", " > "),
    (Sort::Logic, " > ", " < "),
];

/// A negative number where none is due points to a sign; a number or text that is off to a boundary or an index; a truth
/// value to logic.
fn likeliest(complaint: &str) -> [Sort; 4] {
    if complaint.contains('-') {
        [Sort::Arithmetic, Sort::Index, Sort::Boundary, Sort::Logic]
    } else if complaint.contains("True") || complaint.contains("False") {
        [Sort::Logic, Sort::Boundary, Sort::Index, Sort::Arithmetic]
    } else {
        [Sort::Boundary, Sort::Index, Sort::Arithmetic, Sort::Logic]
    }
}

fn trimmed(line: &str) -> &str {
    line.trim_matches([' ', '\t'])
}

/// What unittest complains about first; `None`: nothing that can be read.
pub fn read_failure(output: &str) -> Option<Failure> {
    let mut failure = Failure::default();
    let (mut traceback, mut previous) = (false, "");
    for line in output.lines() {
        if line.starts_with("FAIL: ") || line.starts_with("ERROR: ") {
            failure.test = line.split(' ').nth(1).unwrap_or("").into();
        } else if line.starts_with("Traceback ") {
            traceback = true;
        } else if traceback && previous.starts_with("  File ") && failure.line.is_empty() {
            failure.line = trimmed(line).into(); // the outermost frame is the test
        } else if traceback && !line.is_empty() && !line.starts_with(' ') {
            failure.complaint = line.into();
            return Some(failure).filter(|failure| !failure.line.is_empty());
        }
        previous = line;
    }
    None
}

/// From its `def` at the margin to the next line at the margin.
fn find_function(source: &str, name: &str) -> Option<String> {
    let head = format!("def {name}(");
    let (mut found, mut blank, mut inside) = (String::new(), String::new(), false);
    for line in source.lines() {
        if inside && !line.is_empty() && !line.starts_with([' ', '\t']) {
            break;
        }
        inside = inside || line.starts_with(&head);
        if inside && trimmed(line).is_empty() {
            blank.push('\n');
        } else if inside {
            found += &format!("{blank}{line}\n");
            blank.clear();
        }
    }
    inside.then_some(found)
}

/// The functions of the sources that this code calls, in the order of their first call.
pub fn called_functions(code: &str, sources: &Sources) -> Vec<Function> {
    let mut functions: Vec<Function> = Vec::new();
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut rest = code;
    while let Some(begin) = rest.find(is_word) {
        let word = &rest[begin..];
        let end = word.find(|c| !is_word(c)).unwrap_or(word.len());
        let name = &word[..end];
        rest = &word[end..];
        if !rest.starts_with('(') || functions.iter().any(|known| known.name == name) {
            continue;
        }
        for (file, source) in sources {
            if let Some(text) = find_function(source, name) {
                functions.push(Function { file: file.clone(), name: name.into(), text });
            }
        }
    }
    functions
}

/// Small changes to a function, the likeliest for this complaint first.
pub fn candidate_changes(function: &Function, complaint: &str) -> Vec<Change> {
    let mut changes = Vec::new();
    let lines: Vec<&str> = function.text.lines().collect();
    for sort in likeliest(complaint) {
        for (number, line) in lines.iter().enumerate().skip(1) {
            for (_, from, to) in RULES.iter().filter(|(of, _, _)| *of == sort) {
                for (at, _) in line.match_indices(from) {
                    let changed = format!("{}{to}{}", &line[..at], &line[at + from.len()..]);
                    let what = format!("`{}` to `{}`", trimmed(line), trimmed(&changed));
                    let mut all = lines.clone();
                    all[number] = &changed;
                    changes.push(Change { what, text: all.join("\n") + "\n" });
                }
            }
        }
    }
    changes
}
