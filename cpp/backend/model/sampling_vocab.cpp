// SPDX-License-Identifier: AGPL-3.0-only
#include "backend/model/sampling_vocab.h"

#include "backend/model/model.h"
#include "backend/model/tokenizer.h"

namespace sentiric::backend {

std::shared_ptr<const SamplingVocab> MakeSamplingVocab(std::shared_ptr<const Model> model,
                                                       const Tokenizer& tokenizer) {
  auto result = std::make_shared<SamplingVocab>();
  result->vocab = model->vocab();
  result->model = std::move(model);
  result->pieces = tokenizer.pieces();
  result->is_end.resize(result->pieces.size(), false);
  for (Token token = 0; token < result->size(); ++token) {
    if (tokenizer.IsControl(token))
      result->control_tokens.emplace(tokenizer.Piece(token, true), token);
  }
  std::vector<std::string> text_pieces = result->pieces;
  for (Token token = 0; token < result->size(); ++token) {
    if (!tokenizer.IsEog(token)) continue;
    const auto index = static_cast<std::size_t>(token);
    result->is_end[index] = true;
    result->end_tokens.push_back(token);
    text_pieces[index].clear();  // an end token is never text of a grammar, whatever it spells
  }
  result->trie = std::make_unique<grammar::TokenTrie>(text_pieces);
  return result;
}

}  // namespace sentiric::backend
