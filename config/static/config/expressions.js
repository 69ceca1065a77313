/* Runs the expressions of Alpine's attributes without eval, as the content policy has it.

   compileExpression(text) gives a function of a scope: {read(name), write(name, value), self}. What it knows is
   what unfold's templates use: literals, arrays, objects, members, calls, `new Date`, arrow functions, the
   operators below, assignments, `if` and `;`. Anything else is a SyntaxError. Members that lead from data to
   code or to markup are refused, so that an attribute can do no more than its page's own functions do. */
"use strict";

const compileExpression = (() => {
  const REFUSED = new Set([
    "__proto__", "constructor", "prototype", "ownerDocument", "defaultView", "contentWindow", "view",
    "innerHTML", "outerHTML", "srcdoc", "insertAdjacentHTML", "setHTMLUnsafe", "setAttribute", "setAttributeNS",
    "setAttributeNode", "getRootNode", "write", "writeln",
  ]);
  const TOKEN = /\s*(?:(\d+(?:\.\d+)?)|([A-Za-z_$][\w$]*)|('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")|(===|!==|=>|\?\?|\?\.|\|\||&&|[=!<>]=|\+\+|--|[+-]=|[-+*/%<>=!?:;,.(){}[\]]))/y;
  const ESCAPES = { n: "\n", t: "\t", r: "\r" };
  const CONSTANTS = { true: true, false: false, null: null, undefined: undefined };
  const BINARY = [
    { "??": (a, b) => a() ?? b() },
    { "||": (a, b) => a() || b() },
    { "&&": (a, b) => a() && b() },
    { "===": (a, b) => a() === b(), "!==": (a, b) => a() !== b(), "==": (a, b) => a() == b(), "!=": (a, b) => a() != b() },
    { "<": (a, b) => a() < b(), ">": (a, b) => a() > b(), "<=": (a, b) => a() <= b(), ">=": (a, b) => a() >= b() },
    { "+": (a, b) => a() + b(), "-": (a, b) => a() - b() },
    { "*": (a, b) => a() * b(), "/": (a, b) => a() / b(), "%": (a, b) => a() % b() },
  ];
  const UNARY = { "!": (a) => !a, "-": (a) => -a, "+": (a) => +a, typeof: (a) => typeof a };
  const ASSIGNING = { "=": (_, b) => b(), "+=": (a, b) => a() + b(), "-=": (a, b) => a() - b() };

  function tokenize(text) {
    const tokens = [];
    const end = text.trimEnd().length;
    for (TOKEN.lastIndex = 0; TOKEN.lastIndex < end; ) {
      const at = TOKEN.lastIndex;
      const found = TOKEN.exec(text);
      if (!found) throw new SyntaxError(`cannot read ${text.slice(at).trim().slice(0, 20)} in: ${text}`);
      const [, number, name, string, sign] = found;
      if (number !== undefined) tokens.push({ kind: "value", value: Number(number) });
      else if (name !== undefined) tokens.push({ kind: "name", text: name });
      else if (string !== undefined) {
        const value = string.slice(1, -1).replace(/\\(.)/g, (_, letter) => ESCAPES[letter] ?? letter);
        tokens.push({ kind: "value", value });
      } else tokens.push({ kind: "sign", text: sign });
    }
    return tokens;
  }

  /* The key as it was judged: an object could say another one when it is asked again. */
  function allowed(key) {
    const name = typeof key === "symbol" ? key : String(key);
    if (typeof name === "symbol" || REFUSED.has(name)) throw new TypeError(`${String(name)} is not for expressions`);
    return name;
  }

  /* A node is {run(scope)}; one that can be assigned to has set(scope, value), one that can be called as a
     method has bind(scope): [what it is called on, the function]. */
  function member(object, key, optional) {
    const of = (scope) => {
      const owner = object.run(scope);
      return optional && (owner === null || owner === undefined) ? [undefined, undefined] : [owner, owner[allowed(key(scope))]];
    };
    return {
      bind: of,
      run: (scope) => of(scope)[1],
      set: (scope, value) => (object.run(scope)[allowed(key(scope))] = value),
    };
  }

  function variable(name) {
    allowed(name);
    return {
      bind: (scope) => [scope.self, scope.read(name)],
      run: (scope) => scope.read(name),
      set: (scope, value) => scope.write(name, value),
    };
  }

  function within(scope, names, values) {
    const own = new Map(names.map((name, index) => [name, values[index]]));
    return {
      self: scope.self,
      read: (name) => (own.has(name) ? own.get(name) : scope.read(name)),
      write: (name, value) => (own.has(name) ? (own.set(name, value), value) : scope.write(name, value)),
    };
  }

  function parse(text) {
    const tokens = tokenize(text);
    let at = 0;
    const fail = () => {
      throw new SyntaxError(`cannot read ${tokens[at] ? JSON.stringify(tokens[at]) : "the end"} in: ${text}`);
    };
    const is = (sign, ahead = 0) => tokens[at + ahead]?.kind !== "value" && tokens[at + ahead]?.text === sign;
    const take = (sign) => is(sign) && (at++, true);
    const expect = (sign) => take(sign) || fail();
    const name = () => (tokens[at]?.kind === "name" ? tokens[at++].text : fail());

    function list(close, item) {
      const items = [];
      while (!take(close)) {
        items.push(item());
        if (!is(close)) expect(",");
      }
      return items;
    }

    function program(isEnd) {
      const steps = [];
      while (!isEnd()) {
        if (take(";")) continue;
        steps.push(statement());
        if (!isEnd() && !is(";") && tokens[at - 1]?.text !== "}") fail();
      }
      return { run: (scope) => steps.reduce((_, step) => step.run(scope), undefined) };
    }

    function block() {
      if (!take("{")) return statement();
      const body = program(() => is("}"));
      expect("}");
      return body;
    }

    function statement() {
      if (!take("if")) return expression();
      expect("(");
      const condition = expression();
      expect(")");
      const then = block();
      const otherwise = is(";") && is("else", 1) ? (at++, take("else"), block()) : take("else") ? block() : null;
      return { run: (scope) => (condition.run(scope) ? then.run(scope) : otherwise?.run(scope)) };
    }

    function arrow() {
      const parameters = take("(") ? list(")", name) : [name()];
      expect("=>");
      const gives = !is("{");
      const body = gives ? expression() : block();
      const run = (scope) => (gives ? body.run(scope) : void body.run(scope));
      return { run: (scope) => (...values) => run(within(scope, parameters, values)) };
    }

    function isArrow() {
      if (tokens[at]?.kind === "name") return is("=>", 1);
      let ahead = 1;
      if (!is("(")) return false;
      while (tokens[at + ahead]?.kind === "name" || is(",", ahead)) ahead++;
      return is(")", ahead) && is("=>", ahead + 1);
    }

    function expression() {
      if (isArrow()) return arrow();
      const left = conditional();
      const sign = Object.keys(ASSIGNING).find((known) => is(known));
      if (!sign) return left;
      if (!left.set) fail();
      at++;
      const right = expression();
      return { run: (scope) => left.set(scope, ASSIGNING[sign](() => left.run(scope), () => right.run(scope))) };
    }

    function conditional() {
      const condition = binary(0);
      if (!take("?")) return condition;
      const then = expression();
      expect(":");
      const otherwise = expression();
      return { run: (scope) => (condition.run(scope) ? then.run(scope) : otherwise.run(scope)) };
    }

    function binary(level) {
      if (level === BINARY.length) return unary();
      let left = binary(level + 1);
      for (let sign; (sign = Object.keys(BINARY[level]).find((known) => is(known))); ) {
        at++;
        const [operate, first, second] = [BINARY[level][sign], left, binary(level + 1)];
        left = { run: (scope) => operate(() => first.run(scope), () => second.run(scope)) };
      }
      return left;
    }

    function unary() {
      const sign = Object.keys(UNARY).find((known) => is(known));
      if (!sign) return counted();
      at++;
      const operand = unary();
      return { run: (scope) => UNARY[sign](operand.run(scope)) };
    }

    function counted() {
      const before = is("++") || is("--") ? tokens[at++].text : null;
      const place = postfix();
      const after = !before && (is("++") || is("--")) ? tokens[at++].text : null;
      if (!before && !after) return place;
      if (!place.set) fail();
      const step = (before ?? after) === "++" ? 1 : -1;
      return {
        run: (scope) => {
          const old = Number(place.run(scope));
          place.set(scope, old + step);
          return before ? old + step : old;
        },
      };
    }

    function postfix() {
      let node = take("new") ? made() : primary();
      for (;;) {
        const optional = is("?.");
        if (take(".") || take("?.")) node = member(node, constantly(name()), optional);
        else if (take("[")) {
          const key = expression();
          expect("]");
          node = member(node, key.run, false);
        } else if (take("(")) node = call(node, list(")", expression));
        else return node;
      }
    }

    function constantly(value) {
      return () => value;
    }

    function call(callee, values) {
      return {
        run: (scope) => {
          const [owner, f] = callee.bind ? callee.bind(scope) : [undefined, callee.run(scope)];
          return f.apply(owner, values.map((value) => value.run(scope)));
        },
      };
    }

    function made() {
      if (!take("Date")) fail();
      const values = take("(") ? list(")", expression) : [];
      return { run: (scope) => new Date(...values.map((value) => value.run(scope))) };
    }

    function primary() {
      const token = tokens[at++];
      if (token?.kind === "value") return { run: () => token.value };
      if (token?.kind === "name") {
        return Object.hasOwn(CONSTANTS, token.text) ? { run: () => CONSTANTS[token.text] } : variable(token.text);
      }
      if (token?.text === "(") {
        const inner = expression();
        expect(")");
        return inner;
      }
      if (token?.text === "[") {
        const items = list("]", expression);
        return { run: (scope) => items.map((item) => item.run(scope)) };
      }
      if (token?.text === "{") {
        const pairs = list("}", pair);
        return { run: (scope) => Object.fromEntries(pairs.map(([key, value]) => [key, value.run(scope)])) };
      }
      at--;
      return fail();
    }

    function pair() {
      const token = tokens[at];
      if (token?.kind === "sign" || !token) fail();
      at++;
      const key = allowed(token.kind === "name" ? token.text : String(token.value));
      if (token.kind === "name" && !is(":")) return [key, variable(key)];
      expect(":");
      return [key, expression()];
    }

    const whole = program(() => at >= tokens.length);
    return whole.run;
  }

  return (text) => parse(text);
})();
