// SPDX-License-Identifier: AGPL-3.0-only
// Templates that attack the engine, and what must not leak out of it.
#include "backend/template/jinja_template.h"

#include <chrono>
#include <string>
#include <vector>

#include "backend/template/builtin_cost.h"
#include "check.h"
#include "vocabularies.h"

namespace sentiric::backend {
namespace {

const std::vector<Message> kHello = {{"user", "hello"}};

Result<RenderedPrompt> Render(const std::string& source,
                              const std::vector<Message>& messages = kHello) {
  Result<RenderedPrompt> result = RenderedPrompt{};
  const Status failed = testing::Pool().Run([&] {
    const auto compiled = JinjaTemplate::Compile(source);
    if (!compiled.ok()) {
      result = compiled.error();
      return;
    }
    JinjaInput input = testing::InputOf(messages);
    input.now = 1700000000;  // 14 November 2023
    result = (*compiled)->Render(input);
  });
  return failed.has_value() ? Result<RenderedPrompt>(*failed) : result;
}

bool Fails(const std::string& source, const std::string& reason) {
  const auto result = Render(source);
  return !result.ok() && result.error().code == ErrorCode::kTemplateFailed &&
         result.error().where == "chat_template" &&
         result.error().what.find(reason) != std::string::npos;
}

std::string Repeat(const std::string& text, int count) {
  std::string all;
  for (int i = 0; i < count; ++i) all += text;
  return all;
}

TEST(JinjaTemplate, MarksContentsOnly) {
  const auto prompt =
      Render("{{ bos_token }}<|{{ messages[0].role }}|>{{ messages[0]['content'] | upper }}!");
  ASSERT(prompt.ok());
  ASSERT(prompt->spans.size() == 3);
  EXPECT_EQ(prompt->spans[0].text, std::string("<s><|user|>"));
  EXPECT(!prompt->spans[0].is_input);
  EXPECT_EQ(prompt->spans[1].text, std::string("HELLO"));
  EXPECT(prompt->spans[1].is_input);
  EXPECT_EQ(prompt->spans[2].text, std::string("!"));
}

TEST(JinjaTemplate, KnowsTheDate) {
  EXPECT_EQ(Render("{{ strftime_now('%Y') }}")->Text(), std::string("2023"));
}

TEST(JinjaTemplate, NormalisesLineEnds) {
  EXPECT_EQ(Render("a\r\nb\rc\r\n{{ 'x' }}")->Text(), std::string("a\nb\nc\nx"));
}

TEST(JinjaTemplate, RefusesDeepSource) {
  EXPECT(Fails("{{ " + Repeat("(", 65) + "1" + Repeat(")", 65) + " }}", "brackets"));
  EXPECT(Render("{{ " + Repeat("(", 64) + "1" + Repeat(")", 64) + " }}").ok());
  EXPECT(Fails("{{ " + Repeat("(", 6000) + "1" + Repeat(")", 6000) + " }}", "brackets"));
  EXPECT(Fails(Repeat("{% if true %}", 65) + Repeat("{% endif %}", 65), "blocks"));
  EXPECT(Fails("{{ 1" + Repeat("+1", 5000) + " }}", "too long"));
  EXPECT(Fails("{{ " + Repeat("not ", 5000) + "1 }}", "too long"));
  EXPECT(Fails("{% if 0 %}" + Repeat("{% elif 0 %}", 2000) + "{% endif %}", "elif"));
  EXPECT(Fails(std::string(JinjaLimits::kSourceBytes + 1, ' '), "bytes"));
  EXPECT(Fails("{{ 'open", "syntax"));
  EXPECT(Fails("{% for %}", "syntax"));
}

TEST(JinjaTemplate, StopsRecursion) {
  EXPECT(Fails("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "too deeply"));
  EXPECT(
      Fails("{% macro f() %}{{ g() }}{% endmacro %}{% macro g() %}{{ f() }}{% endmacro %}{{ f() }}",
            "too deeply"));
  EXPECT(Fails("{% macro f(g) %}{{ g(g) }}{% endmacro %}{{ f(f) }}", "too deeply"));
}

TEST(JinjaTemplate, StopsLoopsAndGrowth) {
  EXPECT(Fails("{% for i in range(1000000000) %}x{% endfor %}", "range()"));
  EXPECT(Fails("{% for i in range(90000) %}{% for j in range(90000) %}{% endfor %}{% endfor %}",
               "limit"));
  EXPECT(
      Fails("{% set n = namespace(s='ab') %}{% for i in range(60) %}{% set n.s = n.s + n.s %}{% "
            "endfor %}",
            "too large"));
  EXPECT(Fails("{% macro f(s) %}{{ f(s + s) }}{% endmacro %}{{ f('abcdefgh') }}", "limit"));
  EXPECT(
      Fails("{% set n = namespace(s='ab') %}{% for i in range(60) %}{% set n.s %}{{ n.s }}{{ n.s }}"
            "{% endset %}{% endfor %}",
            "limit"));
  EXPECT(Fails("{{ 'x' * 1000000000000 }}", "factor"));
  EXPECT(Fails("{% for i in range(9999) %}{{ '" + std::string(4000, 'x') + "' }}{% endfor %}",
               "wrote"));
  EXPECT(
      Fails("{% set n = namespace(l=[1]) %}{% for i in range(60) %}{% set n.l = n.l + n.l %}{% "
            "endfor %}",
            "too large"));
  EXPECT(Fails("{% for i in range(5000) %}" + std::string(1000, 'y') + "{% endfor %}", "bytes"));
}

// A list and a namespace that contain themselves, at any distance.
const std::vector<std::string> kKnots = {
    "{% set l = [1] %}{% set _ = l.append(l) %}",
    "{% set l = [1] %}{% set _ = l.append({'x': [l]}) %}",
    "{% set l = [1] %}{% set _ = l.append((1, l)) %}",
    "{% set l = [1] %}{% set _ = l.append(l.append) %}",
    "{% set l = [1] %}{% set f = l.append %}{% set _ = f(l) %}",
    "{% set l = [1] %}{% set _ = [l | append(l)] %}",
    "{% set l = namespace(x=1) %}{% set l.x = l %}",
    "{% set l = namespace(x=[]) %}{% set _ = l.x.append(l) %}",
    "{% set l = {'a': 1} %}{% set l.a = {'b': l} %}",
    "{% set l = messages %}{% set messages[0].x = messages %}",
};

TEST(JinjaTemplate, AValueThatContainsItselfIsNotWalked) {
  const std::vector<std::string> uses = {
      "{{ l }}",
      "{{ l | tojson }}",
      "{{ tojson(l) }}",
      "{{ l | tojson(indent=2) }}",
      "{{ l | string }}",
      "{{ l ~ '' }}",
      "{{ '' + l }}",
      "{{ '{}'.format(l) }}",
      "{{ l | upper }}",
      "{{ 'a' | replace('a', l) }}",
      "{{ l == l }}",
      "{{ l != [l] }}",
      "{{ l in l }}",
      "{{ 1 in [l] }}",
      "{{ l is in [1] }}",
      "{{ [l] | join(',') }}",
      "{{ 'x'.split(l) }}",
      "{{ {'a': l} | dictsort(by='value') }}",
      "{{ [l, l] | sort }}",
      "{{ [l, l] | min }}",
      "{{ {'a': 1}[l] }}",
      "{{ {(l,): 1} }}",
      "{{ [l] | map(attribute='x') | list }}",
      "{{ [l] | selectattr('x', 'eq', l) | list }}",
      "{{ namespace([(l, 1)]) }}",
      "{% filter replace('a', l) %}a{% endfilter %}",
      "{% set x %}{{ l }}{% endset %}",
      "{% macro f(p) %}{{ p }}{% endmacro %}{{ f(l) }}",
      "{% for i in [1] %}{{ l }}{% endfor %}",
  };
  for (const std::string& knot : kKnots) {
    for (const std::string& use : uses) {
      const auto result = Render(knot + use);
      // What the engine would have walked is refused; what it refuses itself may come first.
      EXPECT(!result.ok() && result.error().code == ErrorCode::kTemplateFailed);
    }
    EXPECT(Fails(knot + "{{ l ~ '' }}", "contains itself"));
    EXPECT(Fails(knot + "{{ l | tojson }}", "contains itself"));
    EXPECT(Render(knot + "fine").ok());
  }
}

TEST(JinjaTemplate, AListThatGrowsWhileItIsPrinted) {
  EXPECT_EQ(
      Render("{% set l = [1] %}{% for i in [1, 2] %}{{ l }}{% set _ = l.append(2) %}{% endfor %}")
          ->Text(),
      std::string("112"));
  EXPECT_EQ(Render("{% set l = [1] %}{{ l }}{% set _ = l.append(l) %}")->Text(), std::string("1"));
}

// The engine reads the parts of a loop's item after the body had its hands on it.
TEST(JinjaTemplate, AnItemThatShrinksWhileItIsUnpacked) {
  EXPECT_EQ(Render("{% set x = [3, 4] %}{% for a, b in [[1, 2], x] %}{{ a }}{{ b }};"
                   "{% if x | length > 1 %}{% set _ = x.pop() %}{% endif %}{% endfor %}")
                ->Text(),
            std::string("12;34;"));
  EXPECT(!Render("{% for a, b in [[1, 2], [3, 4]] %}{% set _ = loop.nextitem.pop() %}{% endfor %}")
              .ok());
}

TEST(JinjaTemplate, StopsLargeArguments) {
  const std::string big =
      "{% set n = namespace(s='0123456789abcdef') %}{% for i in range(18) %}"
      "{% set n.s = n.s ~ n.s %}{% endfor %}";  // 4 MiB
  EXPECT(Render(big + "{{ n.s | length }}").ok());
  EXPECT(Fails("{{ 'a\nb' | indent(6000000000) }}", "an indent"));
  EXPECT(Fails("{{ 'a\nb'.indent(6000000000) }}", "an indent"));
  EXPECT(Fails("{% filter indent(6000000000) %}a\nb{% endfilter %}", "an indent"));
  EXPECT(Fails("{{ [1] | tojson(indent=600000000) }}", "an indent"));
  EXPECT(Fails(big + "{{ [n.s, n.s, n.s] | join(n.s) }}", "too large"));
  EXPECT(Fails(big + "{{ range(1000) | join(n.s) }}", "too large"));
  EXPECT(Fails(big + "{{ n.s | replace('', n.s) }}", "too large"));
  EXPECT(Fails(big + "{{ n.s | replace('a', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa') }}",
               "too large"));
  EXPECT(Fails(big + "{{ n.s.split('a') }}", "too large"));
  EXPECT(Fails(big + "{{ '{}{}{}'.format(n.s, n.s, n.s) }}", "too large"));
  EXPECT(Fails(big + "{{ n.s ~ n.s ~ n.s }}", "too large"));
  EXPECT(Fails(big + "{{ [n.s, n.s, n.s] }}", "limit"));
  EXPECT(Fails(big + "{{ n.s is in (n.s ~ 'a') }}", "too long"));
  EXPECT(Fails(big + "{{ 'a' | strip(n.s) }}{{ n.s | strip(n.s) }}", "too long"));
  EXPECT(Fails(big + "{{ [[n.s], n.s, n.s] | string }}", "too large"));
  EXPECT(Fails(big + "{% set l = [n.s, n.s, n.s] %}{{ [l, l, l] | tojson }}", "too large"));
  EXPECT(Fails("{{ 'a'[::9223372036854775807] }}", "a bound"));
  EXPECT(Fails("{{ strftime_now('" + std::string(300, 'x') + "') }}", "date format"));
  EXPECT(
      Fails("{% set n = namespace(x=[1]) %}{% for i in range(30) %}{% set n.x = [n.x, n.x] %}"
            "{% endfor %}{{ n.x }}",
            "too large"));
}

// Each would end the process.
TEST(JinjaTemplate, StopsWhatTheProcessorRefuses) {
  EXPECT(Fails("{{ 5 is divisibleby(0) }}", ""));
  EXPECT(Fails("{{ test_is_divisibleby(5, 0) }}", ""));
  EXPECT(Fails("{{ [{'x': 1}] | selectattr('x', 'divisibleby', 0) | list }}", ""));
  EXPECT(Fails("{{ [1] | select('divisibleby', 0) | list }}", ""));
  EXPECT(Fails("{{ -9223372036854775808 is divisibleby(-1) }}", ""));
  EXPECT(Fails("{{ -(-9223372036854775808) }}", ""));
  EXPECT(Fails("{{ [3, 'a', 2, none, 'b', 1] | sort }}", ""));
  EXPECT_EQ(Render("{{ 6 is divisibleby(3) }}{{ ['b', 'a'] | sort }}")->Text(),
            std::string("Trueab"));
}

TEST(JinjaTemplate, StopsWhatNestsDeeply) {
  const std::string loop = "{% set n = namespace(x=[]) %}{% for i in range(";
  for (const char* grow :
       {"{% set n.x = [n.x] %}", "{% set n.x = (n.x, 1) %}", "{% set n.x = {'a': n.x} %}",
        "{% set n.x = dict(a=n.x) %}", "{% set n.x = [n.x].append %}"}) {
    EXPECT(Fails(loop + "90) %}" + grow + "{% endfor %}{{ n.x ~ '' }}", "nests too deeply"));
    EXPECT(Fails(loop + "9999) %}" + grow + "{% endfor %}", ""));
  }
  EXPECT(Fails(loop + "40) %}{% set n.x = (n.x, n.x) %}{% endfor %}{{ {n.x: 1} }}", "too large"));
  EXPECT(Fails(loop + "40) %}{% set n.x = (n.x, n.x) %}{% endfor %}{{ n.x == n.x }}", "too large"));
}

TEST(JinjaTemplate, StopsLoopsOverFilters) {
  const std::string text = "{% set t = 'a b c ' * 4000 %}";
  for (const char* body : {"{{ t | upper | length }}", "{{ (t | replace('a', 'b')) | length }}",
                           "{% set x = t.split(' ') %}", "{{ [t, t] | tojson | length }}",
                           "{% set x = namespace(y=t) %}{{ t in t }}"}) {
    EXPECT(Fails(text + "{% for i in range(9999) %}{% for j in range(9999) %}" + body +
                     "{% endfor %}{% endfor %}",
                 "limit"));
  }
  EXPECT(Fails(
      "{% for i in range(9999) %}{% for j in range(9999) if j > 99999 %}{% endfor %}{% endfor %}",
      "limit"));
}

// What is alive together is counted, however small each value is.
TEST(JinjaTemplate, StopsWhatIsKept) {
  const std::string loop = "{% set n = namespace(x=[], y='') %}{% for i in range(9999) %}";
  for (const char* keep :
       {"{% set _ = n.x.append(range(300)) %}", "{% set _ = n.x.append('x' * 9999 ~ i) %}",
        "{% set _ = n.x.append([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18] + "
        "range(200)) %}",
        "{% set _ = n.x.append((('a,' * 200) ~ i).split(',')) %}",
        "{% set _ = n.x.append(dict(n.x | length, a=1) if false else {'a': range(200)}) %}"}) {
    EXPECT(Fails(loop + keep + "{% endfor %}", "limit"));
  }
  EXPECT(Fails(
      "{% macro m() %}{% set k.c = k.c + [caller] %}{% endmacro %}{% set k = namespace(c=[]) %}"
      "{% for i in range(999) %}{% call m() %}{% endcall %}{% endfor %}",
      "call blocks"));
  std::string names;
  for (int i = 0; i < 300; ++i) names += "{% set v" + std::to_string(i) + " = 1 %}";
  EXPECT(Fails(names, "variables"));
}

// A caller's text must not take a good template long: the engine's own way is quadratic.
TEST(JinjaTemplate, ALongMessageIsCheap) {
  const std::vector<Message> lines = {{"user", std::string(2 << 20, '\n')}};
  const auto replaced = Render("{{ messages[0].content | replace('\n', ' ') | length }}", lines);
  EXPECT(replaced.ok() && replaced->Text() == std::to_string(2 << 20));
  const std::vector<Message> thoughts = {
      {"user", Repeat("</think>" + std::string(80, 'x'), 20000)}};
  const auto split = Render("{{ messages[0].content.split('</think>')[-1] | length }}", thoughts);
  EXPECT(split.ok() && split->Text() == "80");
  const std::vector<Message> many(2048, {"user", std::string(1000, 'x')});
  const auto all =
      Render("{% for m in messages %}{{ m.role ~ m.content | trim }}{% endfor %}", many);
  EXPECT(all.ok() && all->Text().size() == 2048 * 1004);
}

TEST(JinjaTemplate, BoundedFiltersGiveTheSame) {
  EXPECT_EQ(Render("{{ 'a,b,,c'.split(',') | tojson }}{{ 'a,b,c'.split(',', 1) | tojson }}"
                   "{{ 'a b' | split | tojson }}{{ ''.split('x') | tojson }}")
                ->Text(),
            std::string(R"(["a", "b", "", "c"]["a", "b,c"]["a", "b"][""])"));
  EXPECT_EQ(Render("{{ 'aXbX' | replace('X', 'yy') }}{{ 'aaa'.replace('aa', 'b') }}"
                   "{{ 'ab' | replace('', '-') }}{{ 121 | replace('1', '2') }}")
                ->Text(),
            std::string("ayybyyba-a-b-222"));
}

// One allowance for several renderings, as when a model is loaded.
TEST(JinjaTemplate, RenderingsShareAnAllowance) {
  const auto compiled = JinjaTemplate::Compile("{% for i in range(1000) %}x{% endfor %}");
  ASSERT(compiled.ok());
  const JinjaInput input = testing::InputOf(kHello);
  RenderAllowance allowance;
  ASSERT((*compiled)->Render(input, &allowance).ok());
  const std::int64_t one = allowance.work;
  EXPECT(one > 0);
  ASSERT((*compiled)->Render(input, &allowance).ok());
  EXPECT_EQ(allowance.work, 2 * one);
  allowance.work = JinjaLimits::kWork - one / 2;
  const auto refused = (*compiled)->Render(input, &allowance);
  EXPECT(!refused.ok() && IsTemplateLimit(refused.error()));
  RenderAllowance late;
  late.time = std::chrono::milliseconds(JinjaLimits::kMilliseconds);
  const auto too_late = (*compiled)->Render(input, &late);
  EXPECT(!too_late.ok() && too_late.error().what.find("took too long") != std::string::npos);
}

TEST(JinjaTemplate, AlsoOnAnOrdinaryStack) {
  const auto compiled = JinjaTemplate::Compile("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}");
  ASSERT(compiled.ok());
  const JinjaInput input = testing::InputOf(kHello);
  EXPECT(!(*compiled)->Render(input).ok());
}

TEST(JinjaTemplate, ErrorsHoldNoMessageText) {
  const std::vector<Message> secret = {{"user", "s3cret"}};
  for (const char* source :
       {"{{ raise_exception('no: ' + messages[0].content) }}",
        "{{ messages[0].content | nofilter }}", "{{ messages[0].content[messages[0].content] }}",
        "{{ {}[messages[0].content].x.y }}", "{{ messages[0].content + 1 / [] }}",
        "{{ raise_exception(messages[0].content) }}"}) {
    const auto result = Render(source, secret);
    EXPECT(result.ok() || result.error().Message().find("s3cret") == std::string::npos);
  }
  EXPECT(Fails("{{ raise_exception('roles must alternate') }}", "roles must alternate"));
}

// A new pin of llama.cpp needs rules for its new builtins.
TEST(JinjaTemplate, EveryBuiltinOfTheEngineHasARule) {
  std::vector<jinja::func_builtins> tables = {jinja::global_builtins()};
  for (const jinja::value& value : std::vector<jinja::value>{
           jinja::mk_val<jinja::value_int>(1), jinja::mk_val<jinja::value_float>(1.0),
           jinja::mk_val<jinja::value_string>(""), jinja::mk_val<jinja::value_bool>(true),
           jinja::mk_val<jinja::value_array>(), jinja::mk_val<jinja::value_object>(),
           jinja::mk_val<jinja::value_none>(), jinja::mk_val<jinja::value_undefined>()}) {
    tables.push_back(value->get_builtins());
  }
  for (const jinja::func_builtins& table : tables) {
    for (const auto& [name, handler] : table) {
      if (!HasRule(name)) std::printf("  no rule for %s\n", name.c_str());
      EXPECT(HasRule(name));
    }
  }
}

}  // namespace
}  // namespace sentiric::backend
