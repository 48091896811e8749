// SPDX-License-Identifier: AGPL-3.0-only
// Facts of a vocabulary that every sampler of a model shares.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/grammar/token_trie.h"
#include "sentiric/types.h"

struct llama_vocab;

namespace sentiric::backend {

class Model;
class Tokenizer;

// Immutable.
struct SamplingVocab {
  std::shared_ptr<const Model> model;  // keeps `vocab` alive
  const llama_vocab* vocab = nullptr;
  std::vector<std::string> pieces;  // bytes of each token; empty for control tokens
  std::vector<Token> end_tokens;    // that end a generation
  std::vector<bool> is_end;         // by token
  std::unique_ptr<const grammar::TokenTrie> trie;

  std::int32_t size() const { return static_cast<std::int32_t>(pieces.size()); }
};

std::shared_ptr<const SamplingVocab> MakeSamplingVocab(std::shared_ptr<const Model> model,
                                                       const Tokenizer& tokenizer);

}  // namespace sentiric::backend
