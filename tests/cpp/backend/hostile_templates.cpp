// SPDX-License-Identifier: AGPL-3.0-only
#include "hostile_templates.h"

#include <cstddef>
#include <random>
#include <vector>

namespace sentiric::backend::testing {
namespace {

using Words = std::vector<const char*>;

const Words kVariables = {"a", "b", "c", "l",        "d",    "n",
                          "t", "m", "f", "messages", "loop", "caller"};
const Words kNumbers = {"0",   "1",    "-1",      "2",          "3",
                        "17",  "1000", "10000",   "65536",      "-9223372036854775808",
                        "1.5", "0.0",  "1000000", "6000000000", "9223372036854775807"};
const Words kTexts = {"''",      "'a'",  "' '",     "'\\n'",    "'ab'",
                      "'x y z'", "'{}'", "'value'", "'content'"};
const Words kFilters = {
    "upper",   "lower",  "title",  "capitalize", "trim",     "length", "first",  "last",
    "list",    "string", "tojson", "safe",       "reverse",  "sort",   "unique", "min",
    "max",     "items",  "keys",   "values",     "dictsort", "int",    "float",  "abs",
    "default", "count",  "e",      "join",       "split",    "lstrip", "rstrip", "strip",
    "sum",     "pop",    "rsplit", "wordcount",  "map",      "select", "reject"};
const Words kFiltersOfOne = {
    "join(%)",           "indent(%)",        "split(%)",         "rsplit(%)",
    "default(%)",        "append(%)",        "format(%)",        "strip(%)",
    "lstrip(%)",         "get(%)",           "tojson(%)",        "pop(%)",
    "sort(%)",           "selectattr(%)",    "slice(%)",         "startswith(%)",
    "select(%)",         "indent(width=%)",  "map(attribute=%)", "join(d=%)",
    "sort(attribute=%)", "tojson(indent=%)", "min(attribute=%)", "tojson(separators=(%, ':'))",
    "dictsort(by=%)",    "default(x=%)",     "append(x=%)",      "indent(%, true, true)"};
const Words kFiltersOfTwo = {"replace(%, %)",
                             "selectattr(%, %)",
                             "slice(%, %)",
                             "split(%, %)",
                             "join(%, attribute=%)",
                             "selectattr(%, 'in', %)",
                             "selectattr(%, 'divisibleby', %)",
                             "rejectattr(%, 'equalto', %)",
                             "map(attribute=%, default=%)",
                             "format(%, %)",
                             "replace(%, %, 0)"};
const Words kTests = {"defined",  "none",      "string",  "mapping", "iterable", "number",
                      "odd",      "even",      "lower",   "upper",   "true",     "sequence",
                      "callable", "undefined", "integer", "boolean", "test",     "filter"};
const Words kTestsOfOne = {"divisibleby(%)", "eq(%)",      "in(%)", "sameas(%)", "lt(%)",
                           "ge(%)",          "equalto(%)", "ne(%)", "in(x=%)"};
const Words kCalls = {"range(%)",
                      "range(%, %)",
                      "range(%, %, %)",
                      "namespace(x=%)",
                      "dict(x=%, y=%)",
                      "dict(%)",
                      "namespace(%)",
                      "tojson(%)",
                      "strftime_now(%)",
                      "raise_exception(%)",
                      "m(%)",
                      "m(m)",
                      "f(%)",
                      "caller(%)",
                      "test_is_divisibleby(%, %)",
                      "test_is_in(%, %)",
                      "l.append(%)",
                      "l.append(l)",
                      "l.pop(%)",
                      "l.append(n)",
                      "d.get(%)",
                      "%.append(%)",
                      "a.split(%)",
                      "a.replace(%, %)",
                      "a.strip(%)",
                      "b.join(%)",
                      "d.items()",
                      "n.x.append(%)",
                      "messages.append(%)",
                      "messages.pop()",
                      "a.format(%, %)",
                      "messages[0].content.split(%)",
                      "loop.previtem.pop()",
                      "(l.append)(%)"};
const Words kOperators = {"+",  "+", "~", "~",  "*",  "-",      "/",   "%", "==",
                          "!=", "<", ">", ">=", "in", "not in", "and", "or"};

// Patterns that mostly work, by what they give: % is a text, # a list, & a number.
const Words kTextPatterns = {"a",
                             "n.y",
                             "'ab'",
                             "b",
                             "messages[0].content",
                             "(% | upper)",
                             "(% | trim)",
                             "(% ~ %)",
                             "(% + %)",
                             "(% * &)",
                             "(% | replace(%, %))",
                             "(% | replace('', %))",
                             "(# | join(%))",
                             "(# | join)",
                             "(# | tojson)",
                             "(# | string)",
                             "(% | indent(&))",
                             "(% | indent(%, true))",
                             "%[&:]",
                             "%[::-1]",
                             "m(%)",
                             "'{}{}'.format(%, #)",
                             "(% | title)",
                             "(# ~ %)",
                             "(d | tojson(indent=&))",
                             "(n ~ %)",
                             "(% | strip(%))",
                             "(% if % in % else %)",
                             "(& ~ %)",
                             "(% | tojson)",
                             "#[0]",
                             "(n.z | string)"};
const Words kListPatterns = {"l",
                             "n.x",
                             "[1]",
                             "range(&)",
                             "(# + #)",
                             "%.split(%)",
                             "(#, #)",
                             "[#, %, &]",
                             "(# | list)",
                             "#[::-1]",
                             "#[&:]",
                             "(# | reverse)",
                             "(% | split(%))",
                             "d.items()",
                             "(d | dictsort)",
                             "messages",
                             "(messages | map(attribute='content'))",
                             "(messages | selectattr('role', 'eq', %))",
                             "[#] * 1",
                             "(# | sort)",
                             "(# | select('in', #))",
                             "(# | select('divisibleby', &))",
                             "[(#, #), (#, #)]",
                             "%.rsplit(%, &)",
                             "d.keys()",
                             "namespace(x=#).x",
                             "dict(a=#).items()",
                             "[a, b, n.y]"};
const Words kNumberPatterns = {"0",
                               "1",
                               "2",
                               "7",
                               "17",
                               "1000",
                               "9999",
                               "-1",
                               "(# | length)",
                               "(% | length)",
                               "(& + &)",
                               "(& * &)",
                               "(& % &)",
                               "c",
                               "6000000000",
                               "(% | int)",
                               "loop.index",
                               "(& | abs)",
                               "(-&)"};

class Maker {
 public:
  explicit Maker(std::uint64_t seed) : random_(seed) {}

  std::string Template() {
    // What later statements can reach.
    std::string text =
        "{% set a = 'abc' %}{% set b = ' ' * 99 %}{% set c = 1 %}{% set l = [1] %}"
        "{% set d = {'x': 1} %}{% set n = namespace(x=[], y='', z=0) %}{% set t = (1, 'a') %}"
        "{% macro m(p, q=1) %}" +
        Statements(2, 1) + "{% endmacro %}{% set f = l.append %}";
    return text + Statements(3, 3);
  }

 private:
  std::size_t Below(std::size_t limit) { return random_() % limit; }
  bool Chance(std::size_t percent) { return Below(100) < percent; }
  std::string Pick(const Words& words) { return words[Below(words.size())]; }

  // A pattern with an expression for each %.
  std::string Fill(const std::string& pattern, int depth) {
    std::string text;
    for (const char c : pattern) c == '%' ? text += Expression(depth) : text += c;
    return text;
  }

  std::string Like(const Words& patterns, int depth) {
    if (depth <= 0) return patterns[Below(3)];
    std::string text;
    for (const char c : Pick(patterns)) {
      switch (c) {
        case '%': text += Like(kTextPatterns, depth - 1); break;
        case '#': text += Like(kListPatterns, depth - 1); break;
        case '&': text += Like(kNumberPatterns, depth - 1); break;
        default: text += c;
      }
    }
    return text;
  }

  std::string Statements(std::size_t most, int depth) {
    std::string text;
    for (std::size_t i = 1 + Below(most); i > 0; --i) text += Statement(depth);
    return text;
  }

  std::string Statement(int depth) {
    const std::size_t choice = Below(depth > 0 ? 15 : 6);
    const std::string body = choice < 6 ? "" : Statements(3, depth - 1);
    switch (choice) {
      case 0: return "{{ " + Expression(2) + " }}";
      case 1: return Assignment();
      case 2:
        return "{% set " + Pick({"n.x", "n.y", "d.x", "messages[0].x", "n.n", "loop.x"}) + " = " +
               Expression(2) + " %}";
      case 3: return Grow();
      case 4: return Knot();
      case 5:
        return Pick({"text ", "{% break %}", "{% continue %}", "{# no #}", "\n", "{{ a }}{{ b }}"});
      case 6: return "{% if " + Expression(2) + " %}" + body + "{% else %}b{% endif %}";
      case 7: return "{% filter " + Filter(1) + " %}" + body + "{% endfilter %}";
      case 8: return "{% set a %}" + body + "{% endset %}";
      case 9: return "{% call(p) m(" + Expression(1) + ") %}" + body + "{% endcall %}";
      case 10:
        return "{% for a, b in " +
               Pick({"d.items()", "[(1, 2), l]", "[l, l]", "[[1, 2], [3, 4]]", "d"}) + " %}" +
               body + "{% endfor %}";
      case 11:
        return "{% for i in " + Like(kListPatterns, 2) + " if " + Expression(1) + " %}" + body +
               "{% else %}e{% endfor %}";
      case 12: return "{% macro f(p) %}" + body + "{{ f(p) }}{% endmacro %}";
      default:
        return "{% for i in range(" + Pick({"3", "40", "2000"}) + ") %}" + body + "{% endfor %}";
    }
  }

  std::string Assignment() {
    if (Chance(20)) return "{% set " + Pick({"a", "l", "d", "t"}) + " = " + Expression(2) + " %}";
    const bool is_text = Chance(50);
    return "{% set " + Pick(is_text ? Words{"a", "b", "n.y"} : Words{"l", "n.x", "t"}) + " = " +
           Like(is_text ? kTextPatterns : kListPatterns, 3) + " %}";
  }

  // Statements that double something, in a loop.
  std::string Grow() {
    const std::string grown =
        Pick({"{% set n.y = n.y ~ 'ab' ~ n.y %}", "{% set n.x = n.x + n.x + [1] %}",
              "{% set n.y = (n.y ~ ' ') * 3 %}", "{% set n.y = n.y | replace('', 'ab') %}",
              "{% set n.x = [n.x, n.x] %}", "{% set n.y = [n.y, n.y] | join(n.y) ~ 'x' %}",
              "{% set n.y = n.y | indent(900, true) ~ '\\n' %}", "{% set n.x = (n.x, n.x) %}",
              "{% set n.x = n.x + (n.y ~ 'a a a').split(' ') %}",
              "{% set n.x = n.x | list + range(99) | list %}", "{% set n.x = {'a': n.x} %}",
              "{% set n.y = n.x | string ~ n.y | tojson %}", "{% set n.y = m(n.y ~ 'xy') %}",
              "{% set _ = l.append([l | length]) %}", "{% set n.z = n.z * 7.5 + 1000000.0 %}",
              "{% set n.y = messages[0].content ~ n.y %}"});
    return "{% for i in range(" + Pick({"9", "30", "10000"}) + ") %}" + grown + "{% endfor %}";
  }

  // Statements that put a value into itself.
  std::string Knot() {
    return Pick({"{% set _ = l.append(l) %}", "{% set n.n = n %}",
                 "{% set _ = l.append(n) %}{% set n.x = l %}", "{% set d.x = d %}",
                 "{% set _ = l.append(l.append) %}", "{% set messages[0].x = messages %}",
                 "{% set l = [l] %}{% set _ = l[0].append(l) %}",
                 "{% set _ = l.append({'x': (l, 1)}) %}", "{% set _ = l.append((l,)) %}",
                 "{% set n.x = dict(x=n) %}",
                 "{% for i in l %}{% set _ = l.append(i) %}{{ l }}{% endfor %}",
                 "{% set loop.x = loop %}", "{% set n.c = caller %}"});
  }

  std::string Filter(int depth) {
    const std::size_t choice = Below(10);
    if (choice < 5) return Pick(kFilters);
    return Fill(Pick(choice < 8 ? kFiltersOfOne : kFiltersOfTwo), depth);
  }

  std::string Expression(int depth) {
    if (Chance(75)) {
      const Words& likely = Chance(50)   ? kTextPatterns
                            : Chance(70) ? kListPatterns
                                         : kNumberPatterns;
      return Like(likely, depth + 1);
    }
    const std::size_t choice = Below(depth > 0 ? 20 : 8);
    switch (choice) {
      case 0: return Pick(kNumbers);
      case 1: return Pick(kTexts);
      case 2:
      case 3:
      case 4: return Pick(kVariables);
      case 5:
        return Pick(
            {"n.x", "n.y", "d.x", "l[0]", "messages[0].content", "messages[0]", "n.n", "i"});
      case 6:
        return Pick({"true", "false", "none", "missing", "[]", "{}", "('a' * 9999)", "(0.0 * 1)"});
      case 7:
        return Pick({"range(9)", "(' ' * 5000)", "('a,' * 10000)", "[1, 'a', 2.5, none]", "l"});
      case 8:
      case 9:
      case 10: return "(" + Expression(depth - 1) + " | " + Filter(depth - 1) + ")";
      case 11:
        return "(" + Expression(depth - 1) + " is " +
               (Chance(50) ? Pick(kTests) : Fill(Pick(kTestsOfOne), depth - 1)) + ")";
      case 12:
      case 13: return Fill(Pick(kCalls), depth - 1);
      case 14:
      case 15:
        return "(" + Expression(depth - 1) + " " + Pick(kOperators) + " " + Expression(depth - 1) +
               ")";
      case 16:
        return Fill(Pick({"[%, %]", "(%, %)", "{%: %}", "{'x': %, 'y': %}", "[%, %, %, %]"}),
                    depth - 1);
      case 17:
        return Fill(Pick({"%[%]", "%[%:%]", "%[%:%:%]", "%[::-1]", "%.x", "%[-1]", "%[::%]"}),
                    depth - 1);
      case 18: return Fill(Pick({"(% if % else %)", "(not %)", "(-%)"}), depth - 1);
      default: return Fill("(% ~ %)", depth - 1);
    }
  }

  std::mt19937_64 random_;
};

}  // namespace

std::string HostileTemplate(std::uint64_t seed) { return Maker(seed).Template(); }

}  // namespace sentiric::backend::testing
