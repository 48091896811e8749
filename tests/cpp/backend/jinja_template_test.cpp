// SPDX-License-Identifier: AGPL-3.0-only
// Templates that attack the engine, and what must not leak out of it.
#include "backend/jinja_template.h"

#include <string>
#include <vector>

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
    JinjaInput input;
    input.messages = &messages;
    input.bos_token = "<s>";
    input.eos_token = "</s>";
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

TEST(JinjaTemplate, AlsoOnAnOrdinaryStack) {
  const auto compiled = JinjaTemplate::Compile("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}");
  ASSERT(compiled.ok());
  JinjaInput input;
  input.messages = &kHello;
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

}  // namespace
}  // namespace sentiric::backend
