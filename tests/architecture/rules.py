"""The rules of form: each looks at one module and names what breaks it."""

import ast
import re
from collections.abc import Iterator

from tests.architecture.sources import Function, Source

MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 50
MAX_ROUTE_LINES = 15
MAX_NESTING = 3
MAX_POSITIONAL = 3
MAX_FOLDERS = 3

BLOCKS = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.With, ast.AsyncWith, ast.Try, ast.TryStar, ast.Match)
MAY_CATCH_EVERYTHING = {"kit/worker.py", "kit/app.py"}
DOORS = {"routes", "consumers", "jobs", "cli"}
CLOCK = "kit/clock.py"
READS_ENVIRONMENT = "cli.py"
MONEY = (
    "billing",
    "payment",
    "contracts/money.py",
    "contracts/billing.py",
    "contracts/payment.py",
    "contracts/payment_disputes.py",
    "kit/money.py",
)

BAD_MODULE = re.compile(
    r"(utils?|helpers?|common|misc|services?|managers?|handlers?|repositor(y|ies)|core|base)$"
)
BAD_CLASS = re.compile(r"\w+(Service|Manager|Handler|Helper|Utils?|Processor)$")
BAD_FUNCTION = re.compile(r"_?(process|handle|manage|do)(_\w+)?$")
# names that a library calls, not ours to choose
GIVEN_NAMES = {"handle_async_request", "handle_data", "handle_endtag", "handle_starttag", "do_GET", "do_POST"}


def long_files(source: Source) -> Iterator[str]:
    """A file has at most 400 lines; past that it splits by noun."""
    lines = len(source.text.splitlines())
    if lines > MAX_FILE_LINES and not source.is_migration:
        yield f"{source.path}: {lines} lines"


def long_functions(source: Source) -> Iterator[str]:
    """A function has at most 50 lines."""
    if source.is_migration:
        return
    for function in source.functions():
        if (lines := lines_of(function)) > MAX_FUNCTION_LINES:
            yield source.at(function, f"{function.name} has {lines} lines")


def long_routes(source: Source) -> Iterator[str]:
    """The body of a route has at most 15 lines: parse, verb, answer."""
    for function in source.functions():
        if not is_route(function):
            continue
        body = function.body[1:] if ast.get_docstring(function) else function.body
        if body and (lines := (body[-1].end_lineno or 0) - body[0].lineno + 1) > MAX_ROUTE_LINES:
            yield source.at(function, f"the body of {function.name} has {lines} lines")


def deep_nesting(source: Source) -> Iterator[str]:
    """Blocks are nested at most three deep."""
    for function in source.functions():
        if (depth := max(map(depth_of, function.body))) > MAX_NESTING:
            yield source.at(function, f"{function.name} is nested {depth} deep")


def many_positional_arguments(source: Source) -> Iterator[str]:
    """At most three arguments by position, the rest by name. Doors and commands are called by a framework."""
    if DOORS & set(source.parts):
        return
    for function in source.functions():
        arguments = [*function.args.posonlyargs, *function.args.args]
        names = [argument.arg for argument in arguments if argument.arg not in {"self", "cls"}]
        if len(names) > MAX_POSITIONAL:
            yield source.at(function, f"{function.name} takes {len(names)} by position")


def missing_docstrings(source: Source) -> Iterator[str]:
    """A module says what it is for."""
    if source.text.strip() and not ast.get_docstring(source.tree):
        yield f"{source.path}: no docstring"


def broad_excepts(source: Source) -> Iterator[str]:
    """Only the worker and the application catch everything; others only to clean up and raise again."""
    if source.path.as_posix() in MAY_CATCH_EVERYTHING:
        return
    for node in ast.walk(source.tree):
        if isinstance(node, ast.ExceptHandler) and is_broad(node) and not raises_again(node):
            yield source.at(node, "catches everything")


def floats_near_money(source: Source) -> Iterator[str]:
    """No binary fraction comes near money: neither the type, nor a literal, nor a division."""
    path = source.path.as_posix()
    if not path.startswith(MONEY) or source.is_migration:
        return
    durations = set(durations_in(source.tree))
    for node in ast.walk(source.tree):
        if node in durations:
            continue
        if isinstance(node, ast.Name) and node.id == "float":
            yield source.at(node, "float")
        if isinstance(node, ast.Constant) and isinstance(node.value, float):
            yield source.at(node, f"the literal {node.value}")
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div) and not is_path(node):
            yield source.at(node, "a division with /")


def other_clocks(source: Source) -> Iterator[str]:
    """What time it is, is asked of the clock port."""
    if source.path.as_posix() == CLOCK:
        return
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Attribute) and ast.unparse(node) in {
            *("datetime.now", "datetime.utcnow", "datetime.today", "date.today"),
            *("datetime.datetime.now", "datetime.datetime.utcnow", "datetime.date.today"),
        }:
            yield source.at(node, ast.unparse(node))


def environment_reads(source: Source) -> Iterator[str]:
    """The environment is read in `cli` (and in the settings that it builds), nowhere below."""
    if source.path.as_posix() == READS_ENVIRONMENT:
        return
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Attribute) and ast.unparse(node) in {
            "os.environ",
            "os.getenv",
            "os.environb",
        }:
            yield source.at(node, ast.unparse(node))


def commits_in_services(source: Source) -> Iterator[str]:
    """Doors own transactions by the kit's means; nobody else ends one by hand."""
    if source.parts[0] == "kit" or source.is_migration:
        return
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(
            ("session.commit", "session.rollback")
        ):
            yield source.at(node, ast.unparse(node))


def bad_words(source: Source) -> Iterator[str]:
    """Modules are nouns of the domain, functions its verbs; words that say nothing are not used."""
    if BAD_MODULE.match(source.path.stem):
        yield f"{source.path}: the name of the module"
    for node in ast.walk(source.tree):
        if isinstance(node, ast.ClassDef) and BAD_CLASS.match(node.name):
            yield source.at(node, f"class {node.name}")
        if isinstance(node, Function) and BAD_FUNCTION.match(node.name) and node.name not in GIVEN_NAMES:
            yield source.at(node, f"def {node.name}")


def deep_folders(source: Source) -> Iterator[str]:
    """A file is at most three folders away from the package."""
    if len(source.path.parts) - 1 > MAX_FOLDERS:
        yield f"{source.path}: {len(source.path.parts) - 1} folders"


RULES = (
    long_files,
    long_functions,
    long_routes,
    deep_nesting,
    many_positional_arguments,
    missing_docstrings,
    broad_excepts,
    floats_near_money,
    other_clocks,
    environment_reads,
    commits_in_services,
    bad_words,
    deep_folders,
)


def lines_of(function: Function) -> int:
    """Count the lines of a function, from `def` to its end."""
    return (function.end_lineno or 0) - function.lineno + 1


def is_route(function: Function) -> bool:
    """Whether the framework calls this function for a request."""
    methods = {"get", "post", "put", "patch", "delete", "head", "options", "websocket", "api_route"}
    calls = [node for node in function.decorator_list if isinstance(node, ast.Call)]
    return any(isinstance(call.func, ast.Attribute) and call.func.attr in methods for call in calls)


def depth_of(node: ast.AST) -> int:
    """Count how deep blocks are nested in a statement; an `elif` is no deeper than its `if`."""
    if isinstance(node, Function | ast.ClassDef | ast.Lambda):
        return 0
    if isinstance(node, ast.If) and len(node.orelse) == 1 and isinstance(node.orelse[0], ast.If):
        return max(1 + max(map(depth_of, node.body)), depth_of(node.orelse[0]))
    return isinstance(node, BLOCKS) + max(map(depth_of, ast.iter_child_nodes(node)), default=0)


def is_broad(handler: ast.ExceptHandler) -> bool:
    """Whether a handler catches everything."""
    if handler.type is None:
        return True
    caught = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(isinstance(name, ast.Name) and name.id in {"Exception", "BaseException"} for name in caught)


def raises_again(handler: ast.ExceptHandler) -> bool:
    """Whether a handler ends by raising what it caught."""
    last = handler.body[-1]
    return isinstance(last, ast.Raise) and last.exc is None


def durations_in(tree: ast.Module) -> Iterator[ast.AST]:
    """Find everything that belongs to a name ending in `_seconds`: time may have fractions."""
    for node in ast.walk(tree):
        for name, *belongings in named_in(node):
            if name.lower().endswith("_seconds"):
                yield from (found for belonging in belongings if belonging for found in ast.walk(belonging))


def named_in(node: ast.AST) -> Iterator[tuple[str, *tuple[ast.AST | None, ...]]]:
    """Give each name that a node sets, with what belongs to it: value, annotation, default."""
    match node:
        case ast.Assign(targets=[ast.Name(id=name)], value=value):
            yield name, value
        case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation, value=value):
            yield name, annotation, value
        case ast.keyword(arg=str(name), value=value):
            yield name, value
        case ast.arguments():
            positional = [*node.posonlyargs, *node.args]
            defaults = [*[None] * (len(positional) - len(node.defaults)), *node.defaults]
            for argument, default in zip(
                [*positional, *node.kwonlyargs], [*defaults, *node.kw_defaults], strict=True
            ):
                yield argument.arg, argument.annotation, default


def is_path(division: ast.BinOp) -> bool:
    """Whether a division joins paths rather than divides."""
    return isinstance(division.right, ast.Constant) and isinstance(division.right.value, str)
