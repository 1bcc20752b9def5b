//! The declarations are those of trunkline.h: every function with its types, every struct with its layout and the types of its members, every
//! constant with its value. A C compiler is the judge. `TRUNKLINE_TEST_HEADER` names the header; otherwise it is the one
//! of this repository.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU32, Ordering};
use trunkline_sys as sys;

fn header() -> PathBuf {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../capi/include/trunkline.h");
    std::env::var_os("TRUNKLINE_TEST_HEADER").map_or(beside, PathBuf::from)
}

fn header_text() -> String {
    std::fs::read_to_string(header()).unwrap()
}

/// A new folder.
fn scratch() -> PathBuf {
    static MADE: AtomicU32 = AtomicU32::new(0);
    let name = format!("header-{}-{}", std::process::id(), MADE.fetch_add(1, Ordering::Relaxed));
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

fn compile(folder: &Path, code: &str, link: bool) -> Output {
    let source = folder.join("check.c");
    std::fs::write(&source, code).unwrap();
    let mut command = Command::new("cc");
    command.args(["-std=c11", "-w", "-I"]).arg(header().parent().unwrap()).arg(&source);
    if link {
        command.arg("-o").arg(folder.join("check"));
    } else {
        command.arg("-fsyntax-only");
    }
    command.output().unwrap()
}

/// A type of Rust as C writes it.
fn in_c(rust: &str) -> String {
    let rust = rust.trim();
    for (start, qualifier) in [("*const ", "const "), ("*mut ", "")] {
        if let Some(inner) = rust.strip_prefix(start) {
            let inner = in_c(inner);
            return if inner.ends_with('*') {
                format!("{inner} {qualifier}*")
            } else {
                format!("{qualifier}{inner} *")
            };
        }
    }
    let name = match rust {
        "c_int" => "int",
        "c_char" => "char",
        "c_void" => "void",
        "usize" => "size_t",
        "f64" => "double",
        "u8" => "uint8_t",
        "i32" => "int32_t",
        "u32" => "uint32_t",
        "i64" => "int64_t",
        "u64" => "uint64_t",
        other => other,
    };
    name.into()
}

/// The declaration in C of a function (`name`) or of a pointer to one (`(*name)`).
fn prototype(name: &str, shape: &str) -> String {
    let shape = shape.replace("* const ", "*const ").replace("* mut ", "*mut ").replace('\n', " ");
    let (arguments, result) = shape.split_once("->").unwrap_or((&shape, "c_void"));
    let arguments = arguments.trim().trim_start_matches('(').trim_end_matches(')');
    let list: Vec<String> = arguments
        .split(',')
        .map(|each| each.split_once(": ").map_or(each, |(_name, shape)| shape).trim())
        .filter(|each| !each.is_empty())
        .map(in_c)
        .collect();
    let list = if list.is_empty() { "void".into() } else { list.join(", ") };
    format!("{} {name}({list});\n", in_c(result))
}

/// The declaration in C of a variable of a type of Rust.
fn variable(name: &str, rust: &str) -> String {
    let rust = rust.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some(function) = rust.strip_prefix("Option<") {
        let function = function.trim_end_matches([' ', ',', '>']).trim().strip_prefix("unsafe extern \"C\" fn");
        return prototype(&format!("(*{name})"), function.unwrap());
    }
    match rust.strip_prefix('[').and_then(|array| array.strip_suffix(']')?.split_once(';')) {
        Some((element, count)) => format!("{} {name}[{}];\n", in_c(element), count.trim()),
        None => format!("{} {name};\n", in_c(&rust)),
    }
}

/// What the compiler says to the claim that things of the header, any type or member of a struct, have these types.
fn of_these_types<'a>(things: impl Iterator<Item = (String, &'a str)>) -> Output {
    let mut code = String::from("#include \"trunkline.h\"\n");
    for (index, (thing, rust)) in things.enumerate() {
        code += &variable(&format!("type_{index}"), rust);
        let same = format!("__builtin_types_compatible_p(__typeof__({thing}), __typeof__(type_{index}))");
        writeln!(code, "_Static_assert({same}, \"{thing}\");").unwrap();
    }
    compile(&scratch(), &code, false)
}

fn member(of: &str, field: &str) -> String {
    format!("(({of} *)0)->{}", field.trim_start_matches("r#"))
}

/// What the compiler says to all prototypes after the header's own.
fn declared_again(functions: &[(&str, &str)]) -> Output {
    let mut code = String::from("#include \"trunkline.h\"\n");
    functions.iter().for_each(|(name, shape)| code += &prototype(name, shape));
    compile(&scratch(), &code, false)
}

#[test]
fn every_function_is_declared_with_its_types() {
    let text = header_text();
    let declared: BTreeSet<&str> = sys::FUNCTIONS.iter().map(|(name, _)| *name).collect();
    let wanted: BTreeSet<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("TR_API "))
        .filter_map(|line| line.split('(').next()?.split([' ', '*']).next_back())
        .collect();
    assert!(wanted.len() > 50, "{wanted:?}");
    assert_eq!(declared, wanted);
    let done = declared_again(sys::FUNCTIONS);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

#[test]
fn a_wrong_type_of_an_argument_is_seen() {
    for (name, wrong) in [
        ("tr_flush", "(u64) -> c_int"),
        ("tr_span_end", "(tr_span) -> u32"),
        ("tr_span_get_ids", "(tr_span, *const u8, *mut u8) -> c_int"),
        ("tr_poll", "(tr_processor_id, u32, u32, *mut tr_batch) -> c_int"),
    ] {
        assert!(sys::FUNCTIONS.iter().any(|(known, _)| *known == name));
        assert!(!declared_again(&[(name, wrong)]).status.success(), "{name}");
    }
}

/// Lines `name number`, as a C program prints them that knows only the header.
fn numbers_in_c() -> BTreeSet<String> {
    let mut code =
        String::from("#include <stddef.h>\n#include <stdio.h>\n#include \"trunkline.h\"\nint main(void) {\n");
    let text = header_text();
    for line in text.lines().filter_map(|line| line.strip_prefix("#define TR_")) {
        let name = line.split(' ').next().unwrap();
        if name != "API" {
            // A length beyond 63 bits is printed as it is.
            writeln!(
                code,
                "  printf(\"TR_{name} %s%llu\\n\", (double)TR_{name} < 0 ? \"-\" : \"\", \
                (unsigned long long)((double)TR_{name} < 0 ? -(long long)TR_{name} : (long long)TR_{name}));"
            )
            .unwrap();
        }
    }
    for each in sys::STRUCTS {
        writeln!(code, "  printf(\"{0} %zu\\n\", sizeof({0}));", each.name).unwrap();
        for (field, ..) in each.fields {
            let field = field.trim_start_matches("r#");
            writeln!(
                code,
                "  printf(\"{0}.{field} %zu+%zu\\n\", offsetof({0}, {field}), sizeof((({0} *)0)->{field}));",
                each.name
            )
            .unwrap();
        }
    }
    code += "  return 0;\n}\n";
    let folder = scratch();
    let done = compile(&folder, &code, true);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let printed = Command::new(folder.join("check")).output().unwrap();
    String::from_utf8(printed.stdout).unwrap().lines().map(String::from).collect()
}

fn numbers_in_rust() -> BTreeSet<String> {
    let mut lines: BTreeSet<String> = sys::CONSTANTS.iter().map(|(name, value)| format!("{name} {value}")).collect();
    for each in sys::STRUCTS {
        lines.insert(format!("{} {}", each.name, each.size));
        for (field, offset, size, _) in each.fields {
            lines.insert(format!("{}.{} {offset}+{size}", each.name, field.trim_start_matches("r#")));
        }
    }
    lines
}

#[test]
fn structs_and_constants_are_the_same() {
    let (in_c, in_rust) = (numbers_in_c(), numbers_in_rust());
    assert!(in_c.len() > 300, "{}", in_c.len());
    let only: Vec<_> = in_c.symmetric_difference(&in_rust).collect();
    assert!(only.is_empty(), "{only:?}");
}

#[test]
fn members_of_structs_and_names_of_types_have_their_types() {
    let members = sys::STRUCTS
        .iter()
        .flat_map(|each| each.fields.iter().map(|(field, _, _, shape)| (member(each.name, field), *shape)));
    let done = of_these_types(members.chain(sys::TYPES.iter().map(|(name, shape)| (name.to_string(), *shape))));
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let text = header_text();
    let typedefs = text.lines().filter(|line| line.starts_with("typedef ") && !line.starts_with("typedef struct "));
    assert_eq!(sys::TYPES.len(), typedefs.count());
}

#[test]
fn a_wrong_type_of_a_member_is_seen() {
    for (name, field, wrong) in [
        ("tr_batch", "records", "*const tr_record"),
        ("tr_batch", "count", "i64"),
        ("tr_context", "span_id", "[u8; 16]"),
        ("tr_processor", "user_data", "*const c_void"),
        ("tr_processor", "on_tick", "Option<unsafe extern \"C\" fn(*mut c_void, u64) -> c_int>"),
        ("tr_config", "log", "Option<unsafe extern \"C\" fn(*mut c_void, u32, *mut c_char, usize)>"),
    ] {
        let known = sys::STRUCTS.iter().find(|each| each.name == name).unwrap();
        let (_, _, _, right) = known.fields.iter().find(|(known, ..)| *known == field).unwrap();
        let thing = member(name, field);
        assert!(of_these_types([(thing.clone(), *right)].into_iter()).status.success(), "{thing}: {right}");
        assert!(!of_these_types([(thing.clone(), wrong)].into_iter()).status.success(), "{thing}: {wrong}");
    }
}

#[test]
fn every_struct_and_all_its_fields_are_there() {
    let text = header_text();
    let mut code = text.as_str();
    let mut plain = String::new();
    while let Some((before, after)) = code.split_once("/*") {
        plain += before;
        code = after.split_once("*/").unwrap().1;
    }
    plain += code;
    let mut seen = 0;
    for block in plain.split("typedef struct ").skip(1) {
        let name = block.split(' ').next().unwrap();
        let body = block.split_once('{').unwrap().1.split("\n}").next().unwrap();
        let known = sys::STRUCTS.iter().find(|each| each.name == name).unwrap_or_else(|| panic!("no {name}"));
        assert_eq!(known.fields.len(), body.matches(';').count(), "{name}");
        seen += 1;
    }
    assert_eq!(seen, sys::STRUCTS.len());
}
