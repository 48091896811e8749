// SPDX-License-Identifier: AGPL-3.0-only
#include "backend/template/jinja_template.h"

#include <exception>
#include <new>
#include <utility>

#include "backend/template/jinja_guard.h"
#include "backend/template/jinja_tokens.h"
#include "backend/template/render_budget.h"
#include "jinja/parser.h"

namespace sentiric::backend {
namespace {

constexpr const char* kLimitPrefix = "the template exceeded a limit: ";

Error TemplateError(std::string what) {
  return {ErrorCode::kTemplateFailed, "chat_template", std::move(what)};
}

// The lexer normalises line ends itself, in quadratic time.
std::string NormalizeLineEnds(const std::string& source) {
  std::string text;
  text.reserve(source.size());
  for (std::size_t i = 0; i < source.size(); ++i) {
    if (source[i] != '\r') {
      text += source[i];
    } else if (i + 1 == source.size() || source[i + 1] != '\n') {
      text += '\n';
    }
  }
  return text;
}

// The reason at the end of an engine message. A template may put message text into what it raises,
// so only reasons that occur word for word in the template are passed on.
std::string SafeReason(const std::string& message, const std::string& source) {
  static const std::string kReason = "Error: ";
  static const std::string kRaised = "Jinja Exception: ";
  const std::size_t begin = message.rfind(kReason);
  std::string reason =
      begin == std::string::npos ? message : message.substr(begin + kReason.size());
  if (reason.rfind(kRaised, 0) != 0) return "the template failed on this conversation";
  reason.erase(0, kRaised.size());
  constexpr std::size_t kLongest = 1024;
  const bool literal =
      !reason.empty() && reason.size() <= kLongest && source.find(reason) != std::string::npos;
  return literal ? "the template refuses this conversation: " + reason
                 : "the template refuses this conversation";
}

RenderedPrompt ToSpans(const jinja::value& output) {
  RenderedPrompt prompt;
  const auto parts = jinja::runtime::gather_string_parts(output);
  for (jinja::string_part& part : parts->val_str.parts) {
    if (!part.val.empty()) prompt.spans.push_back({part.is_input, std::move(part.val)});
  }
  return prompt;
}

}  // namespace

bool IsTemplateLimit(const Error& error) { return error.what.rfind(kLimitPrefix, 0) == 0; }

struct JinjaTemplate::Program {
  std::string source;
  jinja::program tree;
  std::size_t names = 0;  // distinct names of its variables
};

JinjaTemplate::JinjaTemplate(std::unique_ptr<const Program> program)
    : program_(std::move(program)) {}
JinjaTemplate::~JinjaTemplate() = default;

Result<std::unique_ptr<JinjaTemplate>> JinjaTemplate::Compile(const std::string& source) {
  if (source.size() > JinjaLimits::kSourceBytes) {
    return TemplateError("the template is too long; got " + std::to_string(source.size()) +
                         " bytes, allowed at most " + std::to_string(JinjaLimits::kSourceBytes));
  }
  try {
    auto program = std::make_unique<Program>();
    program->source = NormalizeLineEnds(source);
    jinja::lexer lexer;
    const jinja::lexer_result tokens = lexer.tokenize(program->source);
    if (Status bad = CheckTokens(tokens)) return *bad;
    program->tree = jinja::parse_from_tokens(tokens);
    program->names = PlantGuards(&program->tree);
    return std::unique_ptr<JinjaTemplate>(new JinjaTemplate(std::move(program)));
  } catch (const std::bad_alloc&) {
    return Error{ErrorCode::kOutOfMemory, "chat_template", "not enough memory"};
  } catch (const std::exception& e) {
    return TemplateError(std::string("syntax error: ") + e.what());
  }
}

Result<RenderedPrompt> JinjaTemplate::Render(const JinjaInput& input) const {
  RenderAllowance allowance;
  return Render(input, &allowance);
}

Result<RenderedPrompt> JinjaTemplate::Render(const JinjaInput& input,
                                             RenderAllowance* allowance) const {
  RenderBudget budget(allowance, program_->names);
  try {
    jinja::context context(program_->source);
    if (input.now != 0) context.current_time = input.now;
    const std::vector<JinjaInput::Variable> variables = input.variables();
    budget.AddVariables(variables.size());
    for (const auto& [name, made] : variables) context.set_val(name, made);
    jinja::runtime runtime(context);
    return ToSpans(runtime.execute(program_->tree));
  } catch (const std::bad_alloc&) {
    return Error{ErrorCode::kOutOfMemory, "chat_template", "out of memory"};
  } catch (const std::exception& e) {
    if (!budget.refusal().empty()) return TemplateError(kLimitPrefix + budget.refusal());
    return TemplateError(SafeReason(e.what(), program_->source));
  }
}

}  // namespace sentiric::backend
