// SPDX-License-Identifier: AGPL-3.0-only
#include "process/json_types.h"

#include <cmath>
#include <limits>
#include <map>
#include <type_traits>

namespace sentiric::process {
namespace {

// pydantic's alphabet: the one for URLs.
constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

std::string FromBase64(const std::string& text) {
  std::string bytes;
  std::uint32_t bits = 0;
  int num_bits = 0;
  for (const char c : text) {
    if (c == '=') break;
    const char* digit = std::char_traits<char>::find(kDigits, 64, c);
    if (digit == nullptr) throw BadField("base64");
    bits = (bits << 6) | static_cast<std::uint32_t>(digit - kDigits);
    num_bits += 6;
    if (num_bits < 8) continue;
    num_bits -= 8;
    bytes += static_cast<char>((bits >> num_bits) & 0xff);
  }
  return bytes;
}

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
                                                     {"json_object", Kind::kJsonObject}};
  if (json.is_null()) return {};
  return {Named(json.at("kind"), kKinds), json.at("text").get<std::string>()};
}

Json LogprobOf(const TokenLogprob& value) {
  Json json = {{"token", value.token}, {"piece", Base64(value.piece.data(), value.piece.size())}};
  if (std::isfinite(value.logprob)) {
    json["logprob"] = value.logprob;
  } else {
    json["logprob"] = value.logprob < 0 ? "-inf" : "inf";  // which JSON has no number for
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
    default: return "error";
  }
}

Json FinalOf(const Final& final) {
  const Timings& t = final.timings;
  Json timings = {{"cache_n", t.cache_n},           {"prompt_n", t.prompt_n},
                  {"prompt_ms", t.prompt_ms},       {"predicted_n", t.predicted_n},
                  {"predicted_ms", t.predicted_ms}, {"queue_ms", t.queue_ms},
                  {"ttft_ms", t.ttft_ms},           {"draft_n", t.draft_n},
                  {"draft_n_accepted", t.draft_n_accepted}};
  Json usage = {{"prompt_tokens", final.prompt_tokens},
                {"completion_tokens", final.completion_tokens},
                {"cached_tokens", t.cache_n}};
  Json json = {{"finish_reason", NameOf(final.finish_reason)},
               {"usage", std::move(usage)},
               {"timings", std::move(timings)}};
  if (final.stop_string) json["stop_string"] = *final.stop_string;
  return json;
}

}  // namespace

std::vector<Message> MessagesOf(const Json& json) {
  std::vector<Message> messages;
  for (const Json& message : json) {
    messages.push_back({message.at("role").get<std::string>(),
                        message.at("content").get<std::string>()});
  }
  return messages;
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
  r.prompt.messages = MessagesOf(json.at("messages"));
  Take(json, "text", &r.prompt.text);
  Take(json, "tokens", &r.prompt.tokens);
  Take(json, "parse_special", &r.prompt.parse_special);
  r.sampling = SamplingOf(json.at("sampling"));
  r.grammar = GrammarOf(json.at("grammar"));
  Take(json, "stop", &r.stop);
  Take(json, "max_tokens", &r.max_tokens);
  Take(json, "ignore_eos", &r.ignore_eos);
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
  PUT(kv_layout);
  PUT(flash_attention);
  PUT(backend);
  PUT(speculation);
  PUT(bos);
  PUT(eos);
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
  return {{"contexts", plan.contexts},           {"context_size", plan.context_size},
          {"context_train", plan.context_train}, {"speculation", plan.speculation},
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
  for (const ChosenLogprob& chosen : event.logprobs) json["logprobs"].push_back(ChosenOf(chosen));
  if (event.final && !event.final->error) json["final"] = FinalOf(*event.final);
  return json;
}

std::string Base64(const void* data, std::size_t size) {
  const auto* bytes = static_cast<const unsigned char*>(data);
  std::string text;
  text.reserve((size + 2) / 3 * 4);
  for (std::size_t i = 0; i < size; i += 3) {
    std::uint32_t bits = static_cast<std::uint32_t>(bytes[i]) << 16;
    if (i + 1 < size) bits |= static_cast<std::uint32_t>(bytes[i + 1]) << 8;
    if (i + 2 < size) bits |= bytes[i + 2];
    text += kDigits[bits >> 18 & 63];
    text += kDigits[bits >> 12 & 63];
    text += i + 1 < size ? kDigits[bits >> 6 & 63] : '=';
    text += i + 2 < size ? kDigits[bits & 63] : '=';
  }
  return text;
}

std::string Dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace sentiric::process
