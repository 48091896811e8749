// SPDX-License-Identifier: AGPL-3.0-only
#include "backend/template/builtin_cost.h"

#include <cstdint>
#include <iterator>
#include <limits>
#include <map>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "backend/template/list_rules.h"
#include "backend/template/render_budget.h"
#include "backend/template/text_rules.h"

namespace sentiric::backend {
namespace {

using jinja::value;

void AllowAbs(const Arguments& arguments) {
  if (IsNumber(arguments[0]) && arguments[0]->val_int == std::numeric_limits<std::int64_t>::min()) {
    throw std::runtime_error("abs: the result is out of range");
  }
  AllowFlat(arguments);
}

// The engine compares a keyword argument with other values without checking its type.
void CheckNoKeyword(const Arguments& arguments) {
  for (const value& given : arguments) {
    if (KindOf(*given) == ValueKind::kKeyword) {
      throw std::runtime_error("a test takes no keyword argument");
    }
  }
}

void AllowTest(const Arguments& arguments) {
  CheckNoKeyword(arguments);
  const Extent all = MeasureRest(arguments, 0);
  Ask(kNewValue, 2 * all.bytes, Signed(all.bytes * 2 + all.nodes * 200));
}

void AllowTypeTest(const Arguments&) { Ask(kNewValue, 0, 0); }

void AllowDivisible(const Arguments& arguments) {
  if (arguments.size() > 1) CheckDivisor(arguments[1]);
  AllowTypeTest(arguments);
}

void AllowIn(const Arguments& arguments) {
  CheckNoKeyword(arguments);
  if (arguments.size() > 1) AllowSearch(arguments[0], arguments[1]);
  AllowTypeTest(arguments);
}

using Rule = void (*)(const Arguments&);

constexpr std::pair<std::string_view, Rule> kRules[] = {
    {"abs", AllowAbs},
    {"append", AllowAppend},
    {"capitalize", AllowString},
    {"default", AllowFlat},
    {"dict", AllowDict},
    {"dictsort", AllowDictSort},
    {"endswith", AllowFlat},
    {"first", AllowFlat},
    {"float", AllowFlat},
    {"format", AllowText},
    {"get", AllowFlat},
    {"indent", AllowIndent},
    {"int", AllowFlat},
    {"items", AllowItems},
    {"join", AllowJoin},
    {"keys", AllowFlat},
    {"last", AllowFlat},
    {"length", AllowFlat},
    {"list", AllowFlat},
    {"lower", AllowString},
    {"lstrip", AllowStrip},
    {"map", AllowEach},
    {"max", AllowExtreme},
    {"min", AllowExtreme},
    {"namespace", AllowDict},
    {"pop", AllowPop},
    {"raise_exception", AllowRaise},
    {"range", AllowRange},
    {"reject", AllowSelect},
    {"rejectattr", AllowSelect},
    {"replace", AllowReplace},
    {"reverse", AllowFlat},
    {"rsplit", AllowSplit},
    {"rstrip", AllowStrip},
    {"safe", AllowString},
    {"select", AllowSelect},
    {"selectattr", AllowSelect},
    {"slice", AllowSlice},
    {"sort", AllowSort},
    {"split", AllowSplit},
    {"startswith", AllowFlat},
    {"strftime_now", AllowDate},
    {"string", AllowString},
    {"strip", AllowStrip},
    {"sum", AllowEach},
    {"title", AllowString},
    {"tojson", AllowJson},
    {"truncate", AllowString},
    {"unique", AllowEach},
    {"upper", AllowString},
    {"values", AllowFlat},
    {"wordcount", AllowString},
    {"test_is_boolean", AllowTypeTest},
    {"test_is_callable", AllowTypeTest},
    {"test_is_defined", AllowTypeTest},
    {"test_is_divisibleby", AllowDivisible},
    {"test_is_eq", AllowTest},
    {"test_is_equalto", AllowTest},
    {"test_is_escaped", AllowTypeTest},
    {"test_is_even", AllowTypeTest},
    {"test_is_false", AllowTypeTest},
    {"test_is_filter", AllowTypeTest},
    {"test_is_float", AllowTypeTest},
    {"test_is_ge", AllowTest},
    {"test_is_greaterthan", AllowTest},
    {"test_is_gt", AllowTest},
    {"test_is_in", AllowIn},
    {"test_is_integer", AllowTypeTest},
    {"test_is_iterable", AllowTypeTest},
    {"test_is_lessthan", AllowTest},
    {"test_is_lower", AllowTest},
    {"test_is_lt", AllowTest},
    {"test_is_mapping", AllowTypeTest},
    {"test_is_ne", AllowTest},
    {"test_is_none", AllowTypeTest},
    {"test_is_number", AllowTypeTest},
    {"test_is_odd", AllowTypeTest},
    {"test_is_sameas", AllowTypeTest},
    {"test_is_sequence", AllowTypeTest},
    {"test_is_string", AllowTypeTest},
    {"test_is_test", AllowTest},
    {"test_is_true", AllowTypeTest},
    {"test_is_undefined", AllowTypeTest},
    {"test_is_upper", AllowTest},
};

const std::map<std::string_view, Rule>& Rules() {
  static const std::map<std::string_view, Rule> rules(std::begin(kRules), std::end(kRules));
  return rules;
}

}  // namespace

bool HasRule(const std::string& name) { return Rules().count(name) > 0; }

void AllowBuiltin(const std::string& name, const Arguments& arguments) {
  const auto rule = Rules().find(name);
  if (rule == Rules().end()) throw std::runtime_error("no filter, test or function has this name");
  // Without arguments there is nothing to check; the engine reports what is missing.
  const bool makes_mapping = rule->second == AllowDict;
  return arguments.empty() && !makes_mapping ? AllowTypeTest(arguments) : rule->second(arguments);
}

}  // namespace sentiric::backend
