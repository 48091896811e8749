// SPDX-License-Identifier: AGPL-3.0-only
// Facts about a vocabulary, shared by all samplers of a model.
#pragma once

#include <memory>

#include "core/sampling/vocab.h"

struct llama_vocab;

namespace sentiric::backend {

class Model;
class Tokenizer;

// Immutable.
struct SamplingVocab : sampling::Vocab {
  std::shared_ptr<const Model> model;  // keeps `vocab` alive
  const llama_vocab* vocab = nullptr;
};

std::shared_ptr<const SamplingVocab> MakeSamplingVocab(std::shared_ptr<const Model> model,
                                                       const Tokenizer& tokenizer);

}  // namespace sentiric::backend
