"""GraphQL as far as the stand-in of W&B needs it: documents are parsed, and executed by field name over dictionaries whose
values may be functions. Operation names are free, and only what a query selects is returned."""
import json
import re

_TOKEN = re.compile(
    r"(?:[\s,]+|\#[^\n]*)*"
    r'(?P<t>\.\.\.|[!$():=@\[\]{}|&]|"""(?:.|\n)*?"""|"(?:\\.|[^"\\])*"'
    r"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|[A-Za-z_]\w*)"
)


class GraphQLError(Exception):
    pass


class Doc:
    """A GraphQL document, parsed far enough to execute it."""

    def __init__(self, text):
        self.toks, pos = [], 0
        while True:
            m = _TOKEN.match(text, pos)
            if not m:
                break
            self.toks.append(m.group("t"))
            pos = m.end()
        self.i = 0
        self.ops, self.fragments = [], {}
        while self.i < len(self.toks):
            self._definition()

    def _peek(self):
        return self.toks[self.i] if self.i < len(self.toks) else None

    def _next(self, want=None):
        t = self._peek()
        if t is None or (want and t != want):
            raise GraphQLError("Syntax Error: expected %s, found %s" % (want, t))
        self.i += 1
        return t

    def _definition(self):
        if self._peek() == "{":
            self.ops.append(("query", "", {}, self._selections()))
            return
        kind = self._next()
        if kind == "fragment":
            name = self._next()
            self._next("on")
            self.fragments[name] = (self._next(), self._selections())
            return
        if kind not in ("query", "mutation", "subscription"):
            raise GraphQLError("Syntax Error: unexpected " + kind)
        name = self._next() if self._peek() not in ("(", "{", "@") else ""
        defaults = {}
        if self._peek() == "(":
            self._next()
            while self._peek() != ")":
                self._next("$")
                var = self._next()
                self._next(":")
                self._type()
                if self._peek() == "=":
                    self._next()
                    defaults[var] = self._value()
            self._next(")")
        self._directives()
        self.ops.append((kind, name, defaults, self._selections()))

    def _type(self):
        if self._peek() == "[":
            self._next()
            self._type()
            self._next("]")
        else:
            self._next()
        if self._peek() == "!":
            self._next()

    def _directives(self):
        out = []
        while self._peek() == "@":
            self._next()
            name = self._next()
            out.append((name, self._arguments() if self._peek() == "(" else {}))
        return out

    def _arguments(self):
        self._next("(")
        args = {}
        while self._peek() != ")":
            key = self._next()
            self._next(":")
            args[key] = self._value()
        self._next(")")
        return args

    def _value(self):
        t = self._next()
        if t == "$":
            return ("var", self._next())
        if t == "[":
            out = []
            while self._peek() != "]":
                out.append(self._value())
            self._next()
            return ("list", out)
        if t == "{":
            obj = {}
            while self._peek() != "}":
                key = self._next()
                self._next(":")
                obj[key] = self._value()
            self._next()
            return ("obj", obj)
        if t.startswith('"""'):
            return ("lit", t[3:-3])
        if t.startswith('"'):
            return ("lit", json.loads(t))
        if t in ("true", "false", "null"):
            return ("lit", {"true": True, "false": False, "null": None}[t])
        if re.match(r"-?\d", t):
            return ("lit", float(t) if re.search(r"[.eE]", t) else int(t))
        return ("lit", t)  # enum

    def _selections(self):
        self._next("{")
        out = []
        while self._peek() != "}":
            if self._peek() == "...":
                self._next()
                if self._peek() == "on":
                    self._next()
                    typ = self._next()
                    dirs = self._directives()
                    out.append(("inline", typ, dirs, self._selections()))
                elif self._peek() in ("@", "{"):
                    dirs = self._directives()
                    out.append(("inline", None, dirs, self._selections()))
                else:
                    name = self._next()
                    out.append(("spread", name, self._directives()))
                continue
            alias = name = self._next()
            if self._peek() == ":":
                self._next()
                name = self._next()
            args = self._arguments() if self._peek() == "(" else {}
            dirs = self._directives()
            sub = self._selections() if self._peek() == "{" else None
            out.append(("field", alias, name, args, dirs, sub))
        self._next("}")
        return out


class Executor:
    """Runs one operation against dict/callable resolvers, selecting fields."""

    def __init__(self, doc, variables, roots, strict):
        self.doc, self.vars, self.roots, self.strict = doc, variables, roots, strict
        self.unknown, self.called = [], []

    def value(self, v):
        kind, x = v
        if kind == "var":
            return self.vars.get(x)
        if kind == "list":
            return [self.value(i) for i in x]
        if kind == "obj":
            # an unset variable leaves the input field out, as GraphQL says
            return {k: self.value(i) for k, i in x.items() if not (i[0] == "var" and i[1] not in self.vars)}
        return x

    def _wanted(self, dirs):
        for name, args in dirs:
            cond = self.value(args.get("if", ("lit", True)))
            if (name == "include" and not cond) or (name == "skip" and cond):
                return False
        return True

    def fields(self, selections, typename):
        for s in selections:
            if s[0] == "field":
                if self._wanted(s[4]):
                    yield s
            elif s[0] == "inline":
                differs = s[1] != typename and s[1] in _CONCRETE and typename in _CONCRETE
                if self._wanted(s[2]) and not differs:
                    yield from self.fields(s[3], typename)
            elif self._wanted(s[2]):
                if s[1] not in self.doc.fragments:
                    raise GraphQLError('Unknown fragment "%s".' % s[1])
                on, sub = self.doc.fragments[s[1]]
                yield from self.fields([("inline", on, [], sub)], typename)

    def project(self, obj, selections, path):
        if obj is None or selections is None:
            return obj
        if isinstance(obj, list):
            return [self.project(o, selections, path) for o in obj]
        out = {}
        for _, alias, name, args, _, sub in self.fields(selections, obj.get("__typename")):
            here = path + "." + name
            if name == "__typename":
                out[alias] = obj.get("__typename", "Object")
                continue
            if name not in obj:
                self.unknown.append(here)
                if self.strict:
                    raise GraphQLError('Cannot query field "%s" at %s' % (name, path))
                out.setdefault(alias, None)
                continue
            val = obj[name]
            if callable(val):
                val = val({k: self.value(v) for k, v in args.items()})
            val = self.project(val, sub, here)
            if isinstance(out.get(alias), dict) and isinstance(val, dict):
                _merge(out[alias], val)
            else:
                out[alias] = val
        return out

    def run(self):
        if not self.doc.ops:
            raise GraphQLError("Must provide an operation.")
        _, _, defaults, selections = self.doc.ops[0]
        self.vars = {**{k: self.value(v) for k, v in defaults.items()}, **self.vars}
        for f in self.fields(selections, None):
            self.called.append(f[2])
        return self.project(self.roots, selections, "root")


# object types that a type condition can tell apart; other names are interfaces
_CONCRETE = {
    "User",
    "Entity",
    "Run",
    "File",
    "Project",
    "Artifact",
    "ArtifactType",
    "ArtifactSequence",
    "ArtifactPortfolio",
    "ArtifactCollectionMembership",
}


def _merge(a, b):
    for k, v in b.items():
        if isinstance(a.get(k), dict) and isinstance(v, dict):
            _merge(a[k], v)
        else:
            a[k] = v
