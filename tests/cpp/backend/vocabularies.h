// SPDX-License-Identifier: AGPL-3.0-only
// The vocabularies and chat templates that come with llama.cpp, loaded without weights.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "backend/model/tokenizer.h"
#include "backend/template/deep_stack.h"
#include "backend/template/jinja_template.h"
#include "llama.h"
#include "sentiric/types.h"

namespace sentiric::backend::testing {

// One vocabulary; kept loaded for the whole test run.
struct Vocabulary {
  std::unique_ptr<llama_model, decltype(&llama_model_free)> model;
  std::unique_ptr<Tokenizer> tokenizer;
  const llama_vocab* vocab() const { return llama_model_get_vocab(model.get()); }
};

// ggml-vocab-<name>.gguf. Ends the test program when the file is missing.
const Vocabulary& LoadVocabulary(const std::string& name);

// Every vocabulary the tree holds, by name.
std::vector<std::string> VocabularyNames();

std::string ReadFile(const std::string& path);
std::string VocabularyPath(const std::string& name);
std::vector<std::string> TemplateNames();
std::string TemplateText(const std::string& file_name);

// The variables of a conversation with bos_token <s> and eos_token </s>. `messages` must outlive
// it.
JinjaInput InputOf(const std::vector<Message>& messages);

// A conversation of these messages.
Prompt PromptOf(std::vector<Message> messages);

// Threads as the engine has them.
DeepStackPool& Pool();

// llama.cpp's own answer in one call, on a deep stack.
std::vector<Token> PlainTokens(const llama_vocab* vocab, const std::string& text, bool add_special,
                               bool parse_special);

}  // namespace sentiric::backend::testing
