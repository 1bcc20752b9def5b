#!/usr/bin/env python3
"""Reads trunkline.h into a model that the checkers share: sections, functions with their resolved fields, structs,
constants. Not a C parser: it reads the plain subset that the header keeps to."""
import re
import sys
from dataclasses import dataclass, field

FIELDS = ("Thread-safety", "Blocking", "In callbacks", "After fork", "Since")
KEYS = re.compile(r"(?<![\w-])(" + "|".join(FIELDS) + r"|Errors|Content):\s")


@dataclass
class Section:
    title: str
    line: int
    start: int
    defaults: dict
    functions: list = field(default_factory=list)


@dataclass
class Function:
    name: str
    result: str
    params: str
    doc: str
    line: int
    fields: dict = field(default_factory=dict)


@dataclass
class Struct:
    name: str
    line: int
    members: list  # (name, declaration)

    @property
    def growable(self):
        return any(name == "struct_size" for name, _ in self.members)


@dataclass
class Header:
    text: str
    code: str  # the text with comments and preprocessor lines blanked
    comments: list  # (start, end, text)
    sections: list
    functions: list
    structs: dict
    callbacks: list  # (name, params, line) of function pointers
    constants: dict


def flatten(comment):
    """The words of a comment on one line."""
    body = re.sub(r"^/\*+|\*/$", "", comment.strip())
    return " ".join(re.sub(r"^\s*\*\s?", "", line).strip() for line in body.split("\n")).strip()


def keyed(text):
    """{key: value} of the `Key: value` parts of a flattened comment."""
    marks = list(KEYS.finditer(text))
    found = {}
    for mark, following in zip(marks, marks[1:] + [None]):
        found[mark.group(1)] = text[mark.end():following.start() if following else len(text)].strip()
    return found


def blank(match):
    return re.sub(r"[^\n]", " ", match.group(0))


def split_params(params):
    return [part.strip() for part in params.split(",") if part.strip() and part.strip() != "void"]


def member_name(declaration):
    pointer = re.search(r"\(\s*\*\s*(\w+)\s*\)", declaration)
    if pointer:
        return pointer.group(1)
    return re.search(r"(\w+)\s*(\[[^\]]*\])*(\s*:\s*\d+)?$", declaration).group(1)


def parse_sections(comments, line_of):
    sections = []
    for start, _, comment in comments:
        if not comment.startswith("/* ===="):
            continue
        lines = [re.sub(r"^\s*\*\s?", "", line).strip() for line in comment.split("\n")]
        title = next((line for line in lines[1:] if line), "")
        flat = " ".join(line for line in lines if "====" not in line)
        _, marker, defaults = flat.partition("Defaults of this section")
        sections.append(Section(title, line_of(start), start, keyed(defaults) if marker else {}))
    return sections


def parse_functions(code, comments, line_of):
    functions = []
    for match in re.finditer(r"\bTR_API\s+([^;(]*?)\b(\w+)\s*\(([^;]*)\)\s*;", code):
        doc = ""
        before = [c for c in comments if c[1] <= match.start()]
        if before and not code[before[-1][1]:match.start()].strip() and before[-1][2].startswith("/**"):
            doc = flatten(before[-1][2])
        result, name, params = (re.sub(r"\s+", " ", part).strip() for part in match.groups())
        functions.append((match.start(), Function(name, result, params, doc, line_of(match.start()))))
    return functions


def resolve(functions, sections):
    """Fills Function.fields: the section's defaults, overridden by the function's own comment."""
    by_name = {function.name: function for function in functions}

    def errors_of(function, seen):
        own = keyed(function.doc).get("Errors")
        source = own if own is not None else function.doc
        if own is not None and not re.search(r"\bas (there|tr_\w+)", own, re.I):
            return own
        if own is None and not re.match(r"As tr_\w+", function.doc):
            return None
        reference = re.search(r"\bas (tr_\w+)", source, re.I) or re.search(r"\bas (tr_\w+)", function.doc, re.I)
        target = by_name.get(reference.group(1)) if reference else None
        if target is None or target.name in seen:
            return None
        inherited = errors_of(target, seen | {target.name})
        return f"{own} [{inherited}]" if own and inherited else inherited

    for section in sections:
        for function in section.functions:
            own = keyed(function.doc)
            function.fields = {key: own.get(key, section.defaults.get(key)) for key in FIELDS}
            function.fields["Errors"] = errors_of(function, {function.name})


def parse(path):
    with open(path, encoding="utf-8") as file:
        text = file.read()

    def line_of(position):
        return text.count("\n", 0, position) + 1

    comments = [(m.start(), m.end(), m.group(0)) for m in re.finditer(r"/\*.*?\*/", text, re.S)]
    without_comments = re.sub(r"/\*.*?\*/", blank, text, flags=re.S)
    code = re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", blank, without_comments, flags=re.M)
    sections = parse_sections(comments, line_of)
    functions = parse_functions(code, comments, line_of)
    for position, function in functions:
        owners = [section for section in sections if section.start < position]
        if owners:
            owners[-1].functions.append(function)
    structs = {}
    for match in re.finditer(r"\bstruct\s+(\w+)\s*\{(.*?)\}", code, re.S):
        members = [re.sub(r"\s+", " ", part).strip() for part in match.group(2).split(";") if part.strip()]
        structs[match.group(1)] = Struct(match.group(1), line_of(match.start()),
                                         [(member_name(member), member) for member in members])
    callbacks = [(m.group(1), m.group(2), line_of(m.start()))
                 for m in re.finditer(r"\(\s*\*\s*(\w+)\s*\)\s*\(([^)]*)\)", code)]
    constants = dict(re.findall(r"^#define[ \t]+(TR_\w+)[ \t]+(\S[^\n]*?)[ \t]*$", without_comments, re.M))
    constants.pop("TR_API", None)
    plain = [function for _, function in functions]
    resolve(plain, sections)
    return Header(text, code, comments, sections, plain, structs, callbacks, constants)


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] != "functions":
        sys.exit("usage: header_model.py functions HEADER")
    print("\n".join(sorted(function.name for function in parse(sys.argv[2]).functions)))
