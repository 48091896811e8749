// SPDX-License-Identifier: AGPL-3.0-only
#include "backend/decode/open_parts.h"

#include "backend/decode/draft_model.h"
#include "backend/decode/llama_decoder.h"
#include "backend/decode/llama_evaluator.h"
#include "backend/decode/sampler_factory.h"
#include "backend/decode/state_fingerprint.h"
#include "backend/model/log_sink.h"
#include "backend/model/lora_store.h"
#include "backend/prompt/prompt_builder.h"
#include "backend/template/deep_stack.h"

namespace sentiric::backend {
namespace {

constexpr int kNumPreparationThreads = 2;
// Long prompts take seconds: they are prepared one at a time, behind the threads that decode.
constexpr int kNumLongPreparationThreads = 1;
constexpr int kLongPreparationNice = 10;

// Whether a draft model is configured and not loaded, although speculation was not switched off.
bool WantsInVain(const EngineConfig& config, DraftSource draft_source) {
  return !config.draft_model.empty() && draft_source == DraftSource::kNone &&
         config.speculation == "auto" && !config.deterministic;
}

LogLine NotLoaded() {
  return {LogLine::Level::kWarn,
          "the draft model is not loaded: with this model on this processor a verified token "
          "rounds differently from a decoded one, so drafts could change the text; "
          "speculation=draft loads it anyway"};
}

}  // namespace

Result<EngineParts> OpenParts(const EngineConfig& config,
                              const std::function<bool(float)>& progress) {
  auto model = Model::Load(config, progress);
  if (!model) return model.error();
  auto decoder = LlamaDecoder::Create(*model, config);
  if (!decoder) return decoder.error();
  std::unique_ptr<Drafter> drafter;
  if (WantsInVain(config, (*decoder)->draft_source())) AddLogLine(NotLoaded());
  if ((*decoder)->draft_source() == DraftSource::kDraftModel) {
    auto opened = OpenDraftModel(config, **model, (*decoder)->traits());
    if (!opened) return opened.error();
    drafter = std::move(opened).value();
  }
  auto evaluator = LlamaEvaluator::Create(*model, config);
  if (!evaluator) return evaluator.error();
  auto preparation = DeepStackPool::Create(kNumPreparationThreads);
  if (!preparation) return preparation.error();
  auto long_preparation =
      DeepStackPool::Create(kNumLongPreparationThreads, kDeepStackBytes, kLongPreparationNice);
  if (!long_preparation) return long_preparation.error();
  // Parses and tries the file's template, which is as untrusted as a prompt.
  std::shared_ptr<ModelPromptBuilder> prompts;
  const Status failed = (*preparation)->Run([&] {
    prompts = std::make_shared<ModelPromptBuilder>(*model, config.chat_template,
                                                   !config.disk_cache_dir.empty());
  });
  if (failed) return *failed;
  // A model with a broken template can still complete text; a configured template must work.
  const Status& broken = prompts->chat_template().status();
  if (!config.chat_template.empty() && broken) return *broken;

  EngineParts parts;
  parts.info = (*model)->Describe();
  (*decoder)->Describe(&parts.info);
  prompts->Describe(&parts.info);
  DiskConfig disk = DiskConfigOf(**model, **decoder, config);
  if (!disk.folder.empty()) parts.disk = std::make_unique<DiskStore>(std::move(disk));
  parts.add_stats = [prompts](EngineStats* stats) { prompts->AddStats(stats); };
  parts.adapters = std::make_unique<LoraStore>(*model, config.lora_dir, config.max_adapters);
  sampling::Tokenize tokenize = [prompts](std::string_view text) {
    auto tokens = prompts->tokenizer().Tokenize(text, false, false);
    return tokens ? std::move(tokens).value() : std::vector<Token>{};
  };
  parts.samplers = std::make_shared<ModelSamplerFactory>(
      MakeSamplingVocab(*model, prompts->tokenizer()), std::move(tokenize), config.jump_forward);
  parts.prompts = std::move(prompts);
  parts.drafter = std::move(drafter);
  parts.evaluator = std::move(evaluator).value();
  parts.preparation = std::move(preparation).value();
  parts.long_preparation = std::move(long_preparation).value();
  parts.decoder = std::move(decoder).value();
  return parts;
}

}  // namespace sentiric::backend
