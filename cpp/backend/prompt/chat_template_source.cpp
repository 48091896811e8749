// SPDX-License-Identifier: AGPL-3.0-only
// Chooses the template of a model.
#include <string>
#include <string_view>

#include "backend/prompt/chat_template.h"
#include "llama.h"

namespace sentiric::backend {
namespace {

constexpr const char* kChatMl = R"({%- for message in messages -%}
{{- '<|im_start|>' + message.role + '\n' + message.content + '<|im_end|>\n' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}
{{- '<|im_start|>assistant\n' -}}
{%- endif -%})";

constexpr const char* kLlama3 = R"({{- bos_token -}}
{%- for message in messages -%}
{{- '<|start_header_id|>' + message.role + '<|end_header_id|>\n\n' -}}
{{- message.content | trim -}}
{{- '<|eot_id|>' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}
{{- '<|start_header_id|>assistant<|end_header_id|>\n\n' -}}
{%- endif -%})";

constexpr const char* kGemma = R"({{- bos_token -}}
{%- for message in messages -%}
{%- if message.role == 'system' -%}
{{- raise_exception('System role not supported') -}}
{%- endif -%}
{{- '<start_of_turn>' + ('model' if message.role == 'assistant' else 'user') + '\n' -}}
{{- message.content | trim -}}
{{- '<end_of_turn>\n' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}
{{- '<start_of_turn>model\n' -}}
{%- endif -%})";

constexpr const char* kMistral = R"({{- bos_token -}}
{%- for message in messages -%}
{%- if message.role == 'system' -%}
{{- raise_exception('System role not supported') -}}
{%- elif message.role == 'assistant' -%}
{{- ' ' + message.content + eos_token -}}
{%- else -%}
{{- '[INST] ' + message.content + ' [/INST]' -}}
{%- endif -%}
{%- endfor -%})";

constexpr const char* kPlain = R"({%- set names = {'system': 'System', 'user': 'User',
                  'assistant': 'Assistant', 'tool': 'Tool'} -%}
{%- for message in messages -%}
{{- names[message.role] + ': ' + message.content + '\n' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}
{{- 'Assistant:' -}}
{%- endif -%})";

bool HasToken(const llama_vocab* vocab, std::string_view text) {
  llama_token token = 0;
  const std::int32_t count = llama_tokenize(
      vocab, text.data(), static_cast<std::int32_t>(text.size()), &token, 1, false, true);
  if (count != 1) return false;
  return text == llama_vocab_get_text(vocab, token);
}

TemplateFamily FamilyOf(const llama_vocab* vocab) {
  if (HasToken(vocab, "<|im_start|>")) return TemplateFamily::kChatMl;
  if (HasToken(vocab, "<|start_header_id|>")) return TemplateFamily::kLlama3;
  if (HasToken(vocab, "<start_of_turn>")) return TemplateFamily::kGemma;
  if (HasToken(vocab, "[INST]")) return TemplateFamily::kMistral;
  return TemplateFamily::kPlain;
}

std::string TokenText(const llama_vocab* vocab, llama_token token) {
  return token == LLAMA_TOKEN_NULL ? std::string() : llama_vocab_get_text(vocab, token);
}

}  // namespace

const char* FallbackTemplate(TemplateFamily family) {
  switch (family) {
    case TemplateFamily::kChatMl: return kChatMl;
    case TemplateFamily::kLlama3: return kLlama3;
    case TemplateFamily::kGemma: return kGemma;
    case TemplateFamily::kMistral: return kMistral;
    case TemplateFamily::kPlain: break;
  }
  return kPlain;
}

ChatTemplateSpec FindChatTemplate(const llama_model* model, const std::string& override_source) {
  const llama_vocab* vocab = llama_model_get_vocab(model);
  ChatTemplateSpec spec;
  spec.bos_token = TokenText(vocab, llama_vocab_bos(vocab));
  spec.eos_token = TokenText(vocab, llama_vocab_eos(vocab));
  spec.adds_bos = llama_vocab_get_add_bos(vocab);
  spec.adds_eos = llama_vocab_get_add_eos(vocab);
  const char* own = llama_model_chat_template(model, nullptr);
  if (!override_source.empty()) {
    spec.origin = "override";
    spec.source = override_source;
  } else if (own != nullptr && *own != '\0') {
    spec.origin = "model";
    spec.source = own;
  } else {
    spec.origin = "fallback";
    spec.source = FallbackTemplate(FamilyOf(vocab));
  }
  return spec;
}

}  // namespace sentiric::backend
