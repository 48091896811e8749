// SPDX-License-Identifier: AGPL-3.0-only
#include "backend/decode/draft_model.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <string>
#include <utility>

#include "backend/model/log_sink.h"
#include "core/speculation/model_drafter.h"

namespace sentiric::backend {
namespace {

// As tolerant as llama.cpp: models pad differently at the end and rename the first few tokens.
constexpr std::int32_t kMaxSizeDifference = 128;
constexpr std::int32_t kFirstCompared = 5;

bool HasRecurrentState(const Model& model) {
  return llama_model_is_recurrent(model.get()) || llama_model_is_hybrid(model.get());
}

// How the vocabularies differ; "" = not in a way that matters.
std::string DifferenceOf(const llama_vocab* target, const llama_vocab* draft) {
  const auto differ = [&](const char* what, std::int32_t of_draft, std::int32_t of_target) {
    return std::string(what) + " " + std::to_string(of_draft) + " instead of " +
           std::to_string(of_target);
  };
  const std::int32_t of_target = llama_vocab_n_tokens(target),
                     of_draft = llama_vocab_n_tokens(draft);
  if (std::abs(of_target - of_draft) > kMaxSizeDifference) {
    return differ("tokens", of_draft, of_target);
  }
  if (llama_vocab_type(target) != llama_vocab_type(draft)) {
    return differ("type", llama_vocab_type(draft), llama_vocab_type(target));
  }
  if (llama_vocab_bos(target) != llama_vocab_bos(draft)) {
    return differ("begin token", llama_vocab_bos(draft), llama_vocab_bos(target));
  }
  if (llama_vocab_eos(target) != llama_vocab_eos(draft)) {
    return differ("end token", llama_vocab_eos(draft), llama_vocab_eos(target));
  }
  for (Token token = kFirstCompared; token < std::min(of_target, of_draft); ++token) {
    if (std::strcmp(llama_vocab_get_text(target, token), llama_vocab_get_text(draft, token)) != 0) {
      return "token " + std::to_string(token) + " differs";
    }
  }
  return {};
}

Status CheckVocabulary(const Model& target, const Model& draft) {
  const std::string difference = DifferenceOf(target.vocab(), draft.vocab());
  if (difference.empty()) return std::nullopt;
  return OutOfRange("draft_model",
                    draft.Describe().path + " with a different vocabulary (" + difference + ")",
                    "a model with the vocabulary of " + target.Describe().path);
}

Error CannotDraft(const Model& draft, const std::string& why) {
  return {ErrorCode::kNotSupported, "draft_model",
          draft.Describe().path + " cannot be used as a draft model: " + why};
}

// Logs why there are no more drafts.
class DraftModel : public Drafter {
 public:
  DraftModel(std::unique_ptr<Decoder> decoder, std::int32_t num_vocab)
      : drafter_(std::move(decoder), num_vocab) {}

  Result<Drafts> Draft(const std::vector<DraftRequest>& requests, std::int32_t room) override {
    auto drafts = drafter_.Draft(requests, room);
    if (!drafts) {
      AddLogLine({LogLine::Level::kError, drafts.error().Message() + "; it is not used again"});
    }
    return drafts;
  }
  void Forget(SeqId seq) override { drafter_.Forget(seq); }

 private:
  ModelDrafter drafter_;
};

}  // namespace

EngineConfig DraftConfigOf(const EngineConfig& config) {
  EngineConfig draft = config;
  draft.model_path = config.draft_model;
  draft.gpu_layers = config.draft_gpu_layers;
  draft.batch_size = std::max(ModelDrafter::kReadRows, config.contexts * ModelDrafter::kMaxGap);
  draft.kv_layout = "unified";  // one wide call for all streams; its rounding cannot change a text
  draft.kv_cells = 0;
  draft.prefix_cache = false;
  draft.speculation = "off";
  draft.draft_model.clear();
  return draft;
}

Status Couple(const Model& target, const DecoderTraits& traits, const Model& draft,
              EngineConfig* draft_config) {
  if (!traits.can_cut) {
    return Error{ErrorCode::kNotSupported, "draft_model",
                 target.Describe().path +
                     " has a recurrent state, which cannot be rolled back "
                     "after a rejected draft"};
  }
  if (HasRecurrentState(draft)) return CannotDraft(draft, "it has a recurrent state");
  if (llama_model_has_encoder(draft.get()) || !llama_model_has_decoder(draft.get())) {
    return CannotDraft(draft, "it is not a decoder-only model");
  }
  draft_config->context_size = std::min(traits.context_size, llama_model_n_ctx_train(draft.get()));
  return CheckVocabulary(target, draft);
}

Error OfDraftModel(Error error) {
  error.where = "draft_model";
  return error;
}

Result<std::unique_ptr<Drafter>> OpenDraftModel(const EngineConfig& config, const Model& target,
                                                const DecoderTraits& traits) {
  EngineConfig own = DraftConfigOf(config);
  auto model = Model::Load(own, nullptr);
  if (!model) return OfDraftModel(model.error());
  if (Status refused = Couple(target, traits, **model, &own)) return *refused;
  auto decoder = LlamaDecoder::Create(std::move(model).value(), own);
  if (!decoder) return OfDraftModel(decoder.error());
  return std::unique_ptr<Drafter>(
      std::make_unique<DraftModel>(std::move(decoder).value(), target.num_vocab()));
}

}  // namespace sentiric::backend
