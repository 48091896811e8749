// SPDX-License-Identifier: AGPL-3.0-only
// What comes from Python.
#include "process/json_types.h"

#include <limits>
#include <map>
#include <type_traits>

#include "process/base64.h"

namespace sentiric::process {
namespace {

// The library would cut a number that does not fit.
template <typename T>
bool Fits(const Json& json) {
  if constexpr (std::is_same_v<T, std::uint64_t>) {
    return json.is_number_unsigned();
  } else {
    if (!json.is_number_integer()) return false;
    if (json.is_number_unsigned() && json.get<std::uint64_t>() > INT64_MAX) return false;
    const auto number = json.get<std::int64_t>();
    return number >= std::numeric_limits<T>::min() && number <= std::numeric_limits<T>::max();
  }
}

template <typename T>
void Take(const Json& json, const char* name, T* value) {
  const auto found = json.find(name);
  if (found == json.end() || found->is_null()) return;
  if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
    if (!Fits<T>(*found)) throw BadField(name);
  }
  try {
    found->get_to(*value);
  } catch (const Json::exception&) {
    throw BadField(name);
  }
}

// The enumerator with this name.
template <typename Enum>
Enum Named(const Json& json, const std::map<std::string, Enum>& names) {
  return names.at(json.get<std::string>());
}

SamplingParams SamplingOf(const Json& json) {
  SamplingParams p;
#define TAKE(field) Take(json, #field, &p.field)
  TAKE(temperature);
  TAKE(top_k);
  TAKE(top_p);
  TAKE(min_p);
  TAKE(typical_p);
  TAKE(repeat_penalty);
  TAKE(presence_penalty);
  TAKE(frequency_penalty);
  TAKE(repeat_last_n);
  TAKE(dry_multiplier);
  TAKE(dry_base);
  TAKE(dry_allowed_length);
  TAKE(dry_penalty_last_n);
  TAKE(dry_sequence_breakers);
  TAKE(xtc_probability);
  TAKE(xtc_threshold);
  TAKE(dynatemp_range);
  TAKE(dynatemp_exponent);
  TAKE(mirostat);
  TAKE(mirostat_tau);
  TAKE(mirostat_eta);
  TAKE(seed);
  TAKE(top_logprobs);
  TAKE(allowed_tokens);
#undef TAKE
  for (const auto& [token, bias] : json.at("logit_bias").items()) {
    p.logit_bias.emplace_back(std::stoi(token), bias.get<float>());
  }
  return p;
}

GrammarSpec GrammarOf(const Json& json) {
  using Kind = GrammarSpec::Kind;
  static const std::map<std::string, Kind> kKinds = {{"none", Kind::kNone},
                                                     {"gbnf", Kind::kGbnf},
                                                     {"json_schema", Kind::kJsonSchema},
                                                     {"json_object", Kind::kJsonObject},
                                                     {"regex", Kind::kRegex},
                                                     {"choice", Kind::kChoice},
                                                     {"structure", Kind::kStructure}};
  if (json.is_null()) return {};
  return {Named(json.at("kind"), kKinds), json.at("text").get<std::string>()};
}

// Fields that have their default value may be left out.
Message MessageOf(const Json& json) {
  Message message{json.at("role").get<std::string>(), json.at("content").get<std::string>()};
  Take(json, "reasoning", &message.reasoning);
  Take(json, "tool_call_id", &message.tool_call_id);
  Take(json, "name", &message.name);
  const auto calls = json.find("tool_calls");
  if (calls == json.end()) return message;
  for (const Json& call : *calls) {
    message.tool_calls.push_back({call.at("id").get<std::string>(),
                                  call.at("name").get<std::string>(),
                                  call.at("arguments").get<std::string>()});
  }
  return message;
}

std::optional<ThinkingLimit> ThinkingOf(const Json& json) {
  if (json.is_null()) return std::nullopt;
  ThinkingLimit limit;
  Take(json, "begin", &limit.begin);
  Take(json, "end", &limit.end);
  Take(json, "closing", &limit.closing);
  Take(json, "max_tokens", &limit.max_tokens);
  Take(json, "is_open", &limit.is_open);
  return limit;
}

}  // namespace

Prompt ConversationOf(const Json& json) {
  Prompt prompt;
  for (const Json& message : json.at("messages")) prompt.messages.push_back(MessageOf(message));
  Take(json, "template_arguments", &prompt.template_arguments);
  Take(json, "continues", &prompt.continues);
  const auto tools = json.find("tools");
  if (tools == json.end()) return prompt;
  for (const Json& tool : *tools) {
    prompt.tools.push_back({tool.at("name").get<std::string>(),
                            tool.at("description").get<std::string>(),
                            tool.at("parameters").get<std::string>()});
  }
  return prompt;
}

Request RequestOf(const Json& json) {
  static const std::map<std::string, Truncation> kTruncations = {
      {"drop_turns", Truncation::kDropTurns},
      {"shift", Truncation::kShift},
      {"error", Truncation::kError}};
  static const std::map<std::string, Priority> kPriorities = {{"realtime", Priority::kRealtime},
                                                              {"normal", Priority::kNormal},
                                                              {"batch", Priority::kBatch}};
  Request r;
  r.prompt = ConversationOf(json);
  Take(json, "text", &r.prompt.text);
  Take(json, "tokens", &r.prompt.tokens);
  Take(json, "parse_special", &r.prompt.parse_special);
  r.sampling = SamplingOf(json.at("sampling"));
  r.grammar = GrammarOf(json.at("grammar"));
  Take(json, "stop", &r.stop);
  Take(json, "call_marks", &r.call_marks);
  Take(json, "call_opening", &r.call_opening);
  Take(json, "max_tokens", &r.max_tokens);
  Take(json, "min_tokens", &r.min_tokens);
  Take(json, "prompt_logprobs", &r.prompt_logprobs);
  Take(json, "ignore_eos", &r.ignore_eos);
  Take(json, "stop_tokens", &r.stop_tokens);
  Take(json, "bad_words", &r.bad_words);
  Take(json, "prediction", &r.prediction);
  Take(json, "shown_tokens", &r.shown_tokens);
  if (json.contains("thinking")) r.thinking = ThinkingOf(json.at("thinking"));
  Take(json, "repetition_limit", &r.repetition_limit);
  r.truncation = Named(json.at("truncation"), kTruncations);
  Take(json, "shift", &r.shift);
  Take(json, "deadline_ms", &r.deadline_ms);
  Take(json, "queue_wait_ms", &r.queue_wait_ms);
  r.priority = Named(json.at("priority"), kPriorities);
  Take(json, "tenant", &r.tenant);
  Take(json, "cache_scope", &r.cache_scope);
  for (const Json& adapter : json.at("adapters")) {
    r.adapters.push_back({adapter.at(0).get<std::string>(), adapter.at(1).get<float>()});
  }
  Take(json, "delivered", &r.delivered);
  Take(json, "resumed", &r.resumed);
  return r;
}

EngineConfig ConfigOf(const Json& json) {
  EngineConfig c;
#define TAKE(field) Take(json, #field, &c.field)
  TAKE(model_path);
  TAKE(contexts);
  TAKE(context_size);
  TAKE(batch_size);
  TAKE(physical_batch_size);
  TAKE(prefill_chunk);
  TAKE(itl_slo_ms);
  TAKE(stream_interval_ms);
  TAKE(compute_threads);
  TAKE(compute_threads_batch);
  TAKE(gpu_layers);
  TAKE(use_mmap);
  TAKE(kv_offload);
  TAKE(flash_attention);
  TAKE(kv_layout);
  TAKE(cache_type_k);
  TAKE(cache_type_v);
  TAKE(kv_cells);
  TAKE(prefix_cache);
  TAKE(host_cache_bytes);
  TAKE(disk_cache_dir);
  TAKE(disk_cache_bytes);
  TAKE(speculation);
  TAKE(draft_model);
  TAKE(draft_gpu_layers);
  TAKE(deterministic);
  TAKE(jump_forward);
  TAKE(queue_limit);
  TAKE(queue_tokens);
  TAKE(queue_wait_ms);
  TAKE(reader_wait_ms);
  TAKE(lora_dir);
  TAKE(max_adapters);
  TAKE(chat_template);
  TAKE(embedding_pooling);
#undef TAKE
  for (const Json& weight : json.at("tenant_weights")) {
    c.tenant_weights.emplace_back(weight.at(0).get<std::string>(), weight.at(1).get<double>());
  }
  return c;
}

std::vector<Token> TokensOf(const Json& base64) {
  const std::string bytes = FromBase64(base64.get<std::string>());
  std::vector<Token> tokens(bytes.size() / sizeof(Token));
  bytes.copy(reinterpret_cast<char*>(tokens.data()), tokens.size() * sizeof(Token));
  return tokens;
}

}  // namespace sentiric::process
