// SPDX-License-Identifier: AGPL-3.0-only
#include "backend/prompt/marked_render.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "core/record/doing.h"

namespace sentiric::backend {
namespace {

using Span = RenderedPrompt::Span;

// Splits a template span: control literals that differ from `masked` become input.
void AppendCompared(const Tokenizer& tokenizer, const Span& span, std::string_view masked,
                    std::vector<Span>* spans) {
  std::size_t begin = 0;
  for (const LiteralMatch& match : tokenizer.FindControlLiterals(span.text)) {
    const std::size_t length = match.end - match.begin;
    if (match.begin < begin) continue;
    if (masked.compare(match.begin, length, span.text, match.begin, length) == 0) continue;
    if (match.begin > begin)
      spans->push_back({false, span.text.substr(begin, match.begin - begin)});
    spans->push_back({true, span.text.substr(match.begin, length)});
    begin = match.end;
  }
  if (begin < span.text.size()) spans->push_back({false, span.text.substr(begin)});
}

}  // namespace

Result<RenderedPrompt> RenderMarked(const ChatTemplate& chat, const Tokenizer& tokenizer,
                                    const Prompt& prompt, RenderOptions options) {
  const record::Doing doing(record::Place::kTemplate);
  RenderAllowance allowance;  // shared by all renderings
  bool has_literals = false;
  options.filter = [&](const std::string& text, char) {
    has_literals = has_literals || tokenizer.HasControlLiteral(text);
    return text;
  };
  auto rendered = chat.Render(prompt, options, &allowance);
  if (!rendered.ok() || !has_literals) return rendered;
  options.filter = [&](const std::string& text, char filler) {
    return tokenizer.MaskControlLiterals(text, filler);
  };
  auto compared = chat.Render(prompt, options, &allowance);
  const std::size_t size = rendered->Text().size();
  if (compared.ok() && compared->Text().size() != size) {
    // Marks of thoughts, say, that the template cuts out of earlier answers.
    options.answer_filter = [&](const std::string& text, char filler) {
      return tokenizer.MaskControlLiterals(text, filler, false);
    };
    compared = chat.Render(prompt, options, &allowance);
  }
  const std::string masked_text = compared.ok() ? compared->Text() : std::string();
  if (masked_text.size() != size) {
    return Error{ErrorCode::kTemplateFailed, "chat_template",
                 "the template interprets control tokens written in a message"};
  }
  RenderedPrompt marked;
  std::size_t offset = 0;
  for (const Span& span : rendered->spans) {
    const std::string_view other = std::string_view(masked_text).substr(offset, span.text.size());
    offset += span.text.size();
    if (span.is_input) {
      marked.spans.push_back(span);
    } else {
      AppendCompared(tokenizer, span, other, &marked.spans);
    }
  }
  return marked;
}

}  // namespace sentiric::backend
