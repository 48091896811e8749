// SPDX-License-Identifier: AGPL-3.0-only
// What goes to Python.
#include <cmath>
#include <utility>

#include "process/base64.h"
#include "process/json_types.h"

namespace sentiric::process {
namespace {

Json LogprobOf(const TokenLogprob& value) {
  Json json = {{"token", value.token}, {"piece", Base64(value.piece.data(), value.piece.size())}};
  if (std::isfinite(value.logprob)) {
    json["logprob"] = value.logprob;
  } else if (std::isnan(value.logprob)) {
    json["logprob"] = "nan";  // which JSON has no number for
  } else {
    json["logprob"] = value.logprob < 0 ? "-inf" : "inf";
  }
  return json;
}

Json ChosenOf(const ChosenLogprob& value) {
  Json top = Json::array();
  for (const TokenLogprob& each : value.top) top.push_back(LogprobOf(each));
  return {{"chosen", LogprobOf(value.chosen)}, {"top", std::move(top)}};
}

const char* NameOf(FinishReason reason) {
  switch (reason) {
    case FinishReason::kStop: return "stop";
    case FinishReason::kLength: return "length";
    case FinishReason::kCancelled: return "cancelled";
    case FinishReason::kRepetition: return "repetition";
    default: return "error";
  }
}

Json FinalOf(const Final& final) {
  const Timings& t = final.timings;
  Json timings = {{"cache_n", t.cache_n},
                  {"prompt_n", t.prompt_n},
                  {"prompt_ms", t.prompt_ms},
                  {"predicted_n", t.predicted_n},
                  {"predicted_ms", t.predicted_ms},
                  {"queue_ms", t.queue_ms},
                  {"ttft_ms", t.ttft_ms},
                  {"draft_n", t.draft_n},
                  {"draft_n_accepted", t.draft_n_accepted}};
  Json usage = {{"prompt_tokens", final.prompt_tokens},
                {"completion_tokens", final.completion_tokens},
                {"cached_tokens", t.cache_n}};
  Json json = {{"finish_reason", NameOf(final.finish_reason)},
               {"usage", std::move(usage)},
               {"timings", std::move(timings)}};
  if (final.stop_string) json["stop_string"] = *final.stop_string;
  if (final.stop_token) json["stop_token"] = *final.stop_token;
  if (final.unfinished) json["unfinished"] = true;
  if (final.thought_tokens > 0) json["thought_tokens"] = final.thought_tokens;
  if (final.thinking_ended) json["thinking_ended"] = true;
  if (final.prediction_accepted > 0) json["prediction_accepted"] = final.prediction_accepted;
  if (final.prediction_rejected > 0) json["prediction_rejected"] = final.prediction_rejected;
  return json;
}

}  // namespace

Json ToJson(const ModelInfo& info) {
  Json json;
#define PUT(field) json[#field] = info.field
  PUT(path);
  PUT(name);
  PUT(architecture);
  PUT(quantization);
  PUT(description);
  PUT(chat_template_source);
  PUT(chat_template);
  PUT(template_tools);
  PUT(template_reasoning);
  PUT(size_bytes);
  PUT(num_params);
  PUT(num_vocab);
  PUT(num_embd);
  PUT(num_layers);
  PUT(context_train);
  PUT(context_size);
  PUT(contexts);
  PUT(batch_size);
  PUT(physical_batch_size);
  PUT(compute_threads);
  PUT(can_shift);
  PUT(can_generate);
  PUT(kv_layout);
  PUT(flash_attention);
  PUT(backend);
  PUT(speculation);
  PUT(bos);
  PUT(eos);
  PUT(infill_prefix);
  PUT(infill_suffix);
  PUT(infill_middle);
#undef PUT
  return json;
}

Json ToJson(const MemoryPlan& plan) {
  Json devices = Json::array();
  for (const DeviceMemory& device : plan.devices) {
    devices.push_back({{"name", device.name},
                       {"weights", device.weights},
                       {"cache", device.cache},
                       {"compute", device.compute},
                       {"free", device.free},
                       {"total", device.total}});
  }
  return {{"contexts", plan.contexts},
          {"context_size", plan.context_size},
          {"context_train", plan.context_train},
          {"speculation", plan.speculation},
          {"devices", std::move(devices)}};
}

Json ToJson(const Device& device) {
  return {{"name", device.name},
          {"description", device.description},
          {"kind", device.kind},
          {"free", device.free},
          {"total", device.total}};
}

Json ToJson(const Error& error) {
  return {{"code", ErrorCodeName(error.code)},
          {"where", error.where},
          {"what", error.what},
          {"retry_ms", error.retry_ms}};
}

Json DeltaOf(const Event& event) {
  Json json = {{"text", event.text}, {"tokens", event.tokens}};
  const TruncationReport& report = event.truncation;
  if (report.dropped_turns != 0 || report.dropped_tokens != 0 || report.shifted_tokens != 0) {
    json["truncation"] = {{"dropped_turns", report.dropped_turns},
                          {"dropped_tokens", report.dropped_tokens},
                          {"shifted_tokens", report.shifted_tokens}};
  }
  if (event.prompt_tokens > 0) {
    json["prompt_tokens"] = event.prompt_tokens;
    json["cached_tokens"] = event.cached_tokens;
  }
  for (const ChosenLogprob& chosen : event.logprobs) json["logprobs"].push_back(ChosenOf(chosen));
  for (const ChosenLogprob& entry : event.prompt_logprobs) {
    json["prompt_logprobs"].push_back(ChosenOf(entry));
  }
  if (event.final && !event.final->error) json["final"] = FinalOf(*event.final);
  return json;
}

std::string Dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace sentiric::process
