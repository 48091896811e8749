// SPDX-License-Identifier: AGPL-3.0-only
#include "vocabularies.h"

#include "backend/prompt/jinja_conversation.h"

#include <algorithm>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>

namespace sentiric::backend::testing {
namespace {

const std::string kModels = std::string(LLAMA_CPP_DIR) + "/models/";

Vocabulary Load(const std::string& path) {
  llama_log_set([](ggml_log_level, const char*, void*) {}, nullptr);
  llama_model_params params = llama_model_default_params();
  params.vocab_only = true;
  Vocabulary loaded{{llama_model_load_from_file(path.c_str(), params), &llama_model_free}, nullptr};
  if (!loaded.model) std::abort();
  loaded.tokenizer = std::make_unique<Tokenizer>(loaded.vocab());
  return loaded;
}

}  // namespace

const Vocabulary& LoadVocabulary(const std::string& name) {
  static std::map<std::string, Vocabulary> loaded;
  const auto found = loaded.find(name);
  if (found != loaded.end()) return found->second;
  return loaded.emplace(name, Load(VocabularyPath(name))).first->second;
}

std::vector<std::string> VocabularyNames() {
  const std::string prefix = "ggml-vocab-";
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(kModels)) {
    const std::string stem = entry.path().stem().string();
    if (entry.path().extension() != ".gguf" || stem.rfind(prefix, 0) != 0) continue;
    names.push_back(stem.substr(prefix.size()));
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::string VocabularyPath(const std::string& name) {
  return kModels + "ggml-vocab-" + name + ".gguf";
}

std::vector<std::string> TemplateNames() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(kModels + "templates")) {
    if (entry.path().extension() == ".jinja") names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::string TemplateText(const std::string& file_name) {
  return ReadFile(kModels + "templates/" + file_name);
}

JinjaInput InputOf(const std::vector<Message>& messages) {
  JinjaInput input;
  input.variables = [&messages] {
    ConversationInput conversation;
    conversation.messages = &messages;
    conversation.bos_token = "<s>";
    conversation.eos_token = "</s>";
    return MakeVariables(conversation);
  };
  return input;
}

Prompt PromptOf(std::vector<Message> messages) {
  Prompt prompt;
  prompt.messages = std::move(messages);
  return prompt;
}

DeepStackPool& Pool() {
  static const std::unique_ptr<DeepStackPool> pool = std::move(DeepStackPool::Create(1).value());
  return *pool;
}

std::vector<Token> PlainTokens(const llama_vocab* vocab, const std::string& text, bool add_special,
                               bool parse_special) {
  std::vector<Token> tokens(text.size() * 3 + 16);
  (void)Pool().Run([&] {
    const std::int32_t count =
        llama_tokenize(vocab, text.data(), static_cast<std::int32_t>(text.size()), tokens.data(),
                       static_cast<std::int32_t>(tokens.size()), add_special, parse_special);
    tokens.resize(static_cast<std::size_t>(std::max(count, 0)));
  });
  return tokens;
}

}  // namespace sentiric::backend::testing
