// SPDX-License-Identifier: AGPL-3.0-only
// Value types. Inputs are filled attribute by attribute, outputs are read-only.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "bindings/bindings.h"
#include "bindings/tuples.h"
#include "sentiric/engine.h"

namespace sentiric::bindings {
namespace py = pybind11;

namespace {

void BindEnums(py::module_* m) {
  py::enum_<GrammarSpec::Kind>(*m, "GrammarKind")
      .value("none", GrammarSpec::Kind::kNone)
      .value("gbnf", GrammarSpec::Kind::kGbnf)
      .value("json_schema", GrammarSpec::Kind::kJsonSchema)
      .value("json_object", GrammarSpec::Kind::kJsonObject)
      .value("regex", GrammarSpec::Kind::kRegex)
      .value("choice", GrammarSpec::Kind::kChoice)
      .value("structure", GrammarSpec::Kind::kStructure);
  py::enum_<Truncation>(*m, "Truncation")
      .value("drop_turns", Truncation::kDropTurns)
      .value("shift", Truncation::kShift)
      .value("error", Truncation::kError);
  py::enum_<Priority>(*m, "Priority")
      .value("realtime", Priority::kRealtime)
      .value("normal", Priority::kNormal)
      .value("batch", Priority::kBatch);
  py::enum_<FinishReason>(*m, "FinishReason")
      .value("stop", FinishReason::kStop)
      .value("length", FinishReason::kLength)
      .value("cancelled", FinishReason::kCancelled)
      .value("error", FinishReason::kError)
      .value("repetition", FinishReason::kRepetition);
}

void BindSampling(py::module_* m) {
  py::class_<SamplingParams> sampling(*m, "SamplingParams");
  sampling.def(py::init<>())
      .def_readwrite("temperature", &SamplingParams::temperature)
      .def_readwrite("top_k", &SamplingParams::top_k)
      .def_readwrite("top_p", &SamplingParams::top_p)
      .def_readwrite("min_p", &SamplingParams::min_p)
      .def_readwrite("typical_p", &SamplingParams::typical_p)
      .def_readwrite("repeat_penalty", &SamplingParams::repeat_penalty)
      .def_readwrite("presence_penalty", &SamplingParams::presence_penalty)
      .def_readwrite("frequency_penalty", &SamplingParams::frequency_penalty)
      .def_readwrite("repeat_last_n", &SamplingParams::repeat_last_n)
      .def_readwrite("dry_multiplier", &SamplingParams::dry_multiplier)
      .def_readwrite("dry_base", &SamplingParams::dry_base)
      .def_readwrite("dry_allowed_length", &SamplingParams::dry_allowed_length)
      .def_readwrite("dry_penalty_last_n", &SamplingParams::dry_penalty_last_n)
      .def_readwrite("xtc_probability", &SamplingParams::xtc_probability)
      .def_readwrite("xtc_threshold", &SamplingParams::xtc_threshold)
      .def_readwrite("dynatemp_range", &SamplingParams::dynatemp_range)
      .def_readwrite("dynatemp_exponent", &SamplingParams::dynatemp_exponent)
      .def_readwrite("mirostat", &SamplingParams::mirostat)
      .def_readwrite("mirostat_tau", &SamplingParams::mirostat_tau)
      .def_readwrite("mirostat_eta", &SamplingParams::mirostat_eta)
      .def_readwrite("seed", &SamplingParams::seed)
      .def_readwrite("top_logprobs", &SamplingParams::top_logprobs);
  BindTuple(&sampling, "dry_sequence_breakers", &SamplingParams::dry_sequence_breakers);
  BindTuple(&sampling, "logit_bias", &SamplingParams::logit_bias);
  BindTuple(&sampling, "allowed_tokens", &SamplingParams::allowed_tokens);
}

using ToolCallTuple = std::tuple<std::string, std::string, std::string>;
using MessageTuple = std::tuple<std::string, std::string, std::string, std::vector<ToolCallTuple>,
                                std::string, std::string>;
using ToolTuple = std::tuple<std::string, std::string, std::string>;

void SetMessages(Request& self, std::vector<MessageTuple> messages) {
  self.prompt.messages.clear();
  for (auto& [role, content, reasoning, calls, tool_call_id, name] : messages) {
    std::vector<ToolCall> tool_calls;
    for (auto& [id, called, arguments] : calls) {
      tool_calls.push_back({std::move(id), std::move(called), std::move(arguments)});
    }
    self.prompt.messages.push_back({std::move(role), std::move(content), std::move(reasoning),
                                    std::move(tool_calls), std::move(tool_call_id),
                                    std::move(name)});
  }
}

void SetTools(Request& self, std::vector<ToolTuple> tools) {
  self.prompt.tools.clear();
  for (auto& [name, description, parameters] : tools) {
    self.prompt.tools.push_back({std::move(name), std::move(description), std::move(parameters)});
  }
}

void BindConversation(py::class_<Request>* request) {
  request
      ->def_property(
          "messages", [](const Request&) { return py::tuple(); }, &SetMessages,
          "Write-only: (role, content, reasoning, (id, name, arguments) of each call, "
          "tool_call_id, name) of each.")
      .def_property(
          "tools", [](const Request&) { return py::tuple(); }, &SetTools,
          "Write-only: (name, description, parameters) of each.")
      .def_property(
          "template_arguments", [](const Request& self) { return self.prompt.template_arguments; },
          [](Request& self, std::string json) { self.prompt.template_arguments = std::move(json); })
      .def_property(
          "continues", [](const Request& self) { return self.prompt.continues; },
          [](Request& self, bool continues) { self.prompt.continues = continues; });
}

void BindRequest(py::module_* m) {
  py::class_<Request> request(*m, "Request");
  request.def(py::init<>())
      .def_property(
          "text", [](const Request& self) { return self.prompt.text; },
          [](Request& self, std::string text) { self.prompt.text = std::move(text); })
      .def_property(
          "tokens", [](const Request& self) { return ToTuple(self.prompt.tokens); },
          [](Request& self, std::vector<Token> tokens) { self.prompt.tokens = std::move(tokens); })
      .def_property(
          "parse_special", [](const Request& self) { return self.prompt.parse_special; },
          [](Request& self, bool parse) { self.prompt.parse_special = parse; })
      .def(
          "set_grammar",
          [](Request& self, GrammarSpec::Kind kind, std::string text) {
            self.grammar = {kind, std::move(text)};
          },
          py::arg("kind"), py::arg("text"))
      .def_readwrite("sampling", &Request::sampling)
      .def_readwrite("max_tokens", &Request::max_tokens)
      .def_readwrite("min_tokens", &Request::min_tokens)
      .def_readwrite("prompt_logprobs", &Request::prompt_logprobs)
      .def_readwrite("ignore_eos", &Request::ignore_eos)
      .def_readwrite("repetition_limit", &Request::repetition_limit)
      .def(
          "set_thinking",
          [](Request& self, std::string begin, std::string end, std::string closing,
             std::int32_t max_tokens, bool is_open) {
            self.thinking = ThinkingLimit{std::move(begin), std::move(end), std::move(closing),
                                          max_tokens, is_open};
          },
          py::arg("begin"), py::arg("end"), py::arg("closing"), py::arg("max_tokens"),
          py::arg("is_open"))
      .def_readwrite("truncation", &Request::truncation)
      .def_readwrite("shift", &Request::shift)
      .def_readwrite("deadline_ms", &Request::deadline_ms)
      .def_readwrite("queue_wait_ms", &Request::queue_wait_ms)
      .def_readwrite("priority", &Request::priority)
      .def_readwrite("tenant", &Request::tenant)
      .def_readwrite("cache_scope", &Request::cache_scope)
      .def_property(
          "adapters",
          [](const Request& self) {
            std::vector<std::pair<std::string, float>> adapters;
            for (const AdapterUse& use : self.adapters) adapters.emplace_back(use.name, use.scale);
            return ToTuple(adapters);
          },
          [](Request& self, const std::vector<std::pair<std::string, float>>& adapters) {
            self.adapters.clear();
            for (const auto& [name, scale] : adapters) self.adapters.push_back({name, scale});
          },
          "(name, scale) pairs.")
      .def_readwrite("call_opening", &Request::call_opening)
      .def_readwrite("resumed", &Request::resumed)
      .def_readwrite("tag", &Request::tag);
  BindConversation(&request);
  BindTuple(&request, "stop", &Request::stop);
  BindTuple(&request, "call_marks", &Request::call_marks);
  BindTuple(&request, "stop_tokens", &Request::stop_tokens);
  BindTuple(&request, "bad_words", &Request::bad_words);
  BindTuple(&request, "prediction", &Request::prediction);
  BindTuple(&request, "shown_tokens", &Request::shown_tokens);
  BindTuple(&request, "delivered", &Request::delivered);
}

py::tuple LogprobTuple(const TokenLogprob& value) {
  return py::make_tuple(value.token, py::bytes(value.piece), value.logprob);
}

py::tuple LogprobTuples(const std::vector<ChosenLogprob>& entries) {
  py::list list;
  for (const ChosenLogprob& entry : entries) {
    py::list top;
    for (const TokenLogprob& value : entry.top) top.append(LogprobTuple(value));
    list.append(py::make_tuple(LogprobTuple(entry.chosen), py::tuple(top)));
  }
  return py::tuple(list);
}

py::object ErrorTuple(const Final& final) {
  if (!final.error) return py::none();
  return py::make_tuple(std::string(ErrorCodeName(final.error->code)), final.error->where,
                        final.error->what);
}

void BindEvents(py::module_* m) {
  py::class_<Timings>(*m, "Timings")
      .def_readonly("cache_n", &Timings::cache_n)
      .def_readonly("prompt_n", &Timings::prompt_n)
      .def_readonly("prompt_ms", &Timings::prompt_ms)
      .def_readonly("predicted_n", &Timings::predicted_n)
      .def_readonly("predicted_ms", &Timings::predicted_ms)
      .def_readonly("queue_ms", &Timings::queue_ms)
      .def_readonly("ttft_ms", &Timings::ttft_ms)
      .def_readonly("draft_n", &Timings::draft_n)
      .def_readonly("draft_n_accepted", &Timings::draft_n_accepted);
  py::class_<Final>(*m, "Final")
      .def_readonly("finish_reason", &Final::finish_reason)
      .def_readonly("stop_string", &Final::stop_string)
      .def_readonly("stop_token", &Final::stop_token)
      .def_readonly("unfinished", &Final::unfinished)
      .def_readonly("thought_tokens", &Final::thought_tokens)
      .def_readonly("thinking_ended", &Final::thinking_ended)
      .def_readonly("prediction_accepted", &Final::prediction_accepted)
      .def_readonly("prediction_rejected", &Final::prediction_rejected)
      .def_property_readonly("error", &ErrorTuple, "(code, where, what) or None.")
      .def_property_readonly(
          "retry_ms", [](const Final& self) { return self.error ? self.error->retry_ms : 0; },
          "When to expect room after a refusal; 0 if unknown.")
      .def_readonly("prompt_tokens", &Final::prompt_tokens)
      .def_readonly("completion_tokens", &Final::completion_tokens)
      .def_readonly("timings", &Final::timings);
  py::class_<Event>(*m, "Event")
      .def_readonly("request", &Event::request)
      .def_readonly("text", &Event::text)
      .def_readonly("prompt_tokens", &Event::prompt_tokens)
      .def_readonly("cached_tokens", &Event::cached_tokens)
      .def_property_readonly("tokens", [](const Event& self) { return ToTuple(self.tokens); })
      .def_property_readonly(
          "logprobs", [](const Event& self) { return LogprobTuples(self.logprobs); },
          "((token, bytes, logprob), (alternatives)) per token.")
      .def_property_readonly(
          "prompt_logprobs", [](const Event& self) { return LogprobTuples(self.prompt_logprobs); },
          "The same per token of the prompt.")
      .def_property_readonly(
          "truncation",
          [](const Event& self) {
            return py::make_tuple(self.truncation.dropped_turns, self.truncation.dropped_tokens,
                                  self.truncation.shifted_tokens);
          },
          "(dropped_turns, dropped_tokens, shifted_tokens).")
      .def_readonly("final", &Event::final);
}

void BindConfig(py::module_* m) {
  py::class_<EngineConfig> config(*m, "EngineConfig");
  config.def(py::init<>())
      .def_readwrite("model_path", &EngineConfig::model_path)
      .def_readwrite("contexts", &EngineConfig::contexts)
      .def_readwrite("context_size", &EngineConfig::context_size)
      .def_readwrite("batch_size", &EngineConfig::batch_size)
      .def_readwrite("physical_batch_size", &EngineConfig::physical_batch_size)
      .def_readwrite("prefill_chunk", &EngineConfig::prefill_chunk)
      .def_readwrite("stream_interval_ms", &EngineConfig::stream_interval_ms)
      .def_readwrite("compute_threads", &EngineConfig::compute_threads)
      .def_readwrite("compute_threads_batch", &EngineConfig::compute_threads_batch)
      .def_readwrite("gpu_layers", &EngineConfig::gpu_layers)
      .def_readwrite("use_mmap", &EngineConfig::use_mmap)
      .def_readwrite("kv_offload", &EngineConfig::kv_offload)
      .def_readwrite("flash_attention", &EngineConfig::flash_attention)
      .def_readwrite("kv_layout", &EngineConfig::kv_layout)
      .def_readwrite("cache_type_k", &EngineConfig::cache_type_k)
      .def_readwrite("cache_type_v", &EngineConfig::cache_type_v)
      .def_readwrite("itl_slo_ms", &EngineConfig::itl_slo_ms)
      .def_readwrite("kv_cells", &EngineConfig::kv_cells)
      .def_readwrite("prefix_cache", &EngineConfig::prefix_cache)
      .def_readwrite("host_cache_bytes", &EngineConfig::host_cache_bytes)
      .def_readwrite("disk_cache_dir", &EngineConfig::disk_cache_dir)
      .def_readwrite("disk_cache_bytes", &EngineConfig::disk_cache_bytes)
      .def_readwrite("speculation", &EngineConfig::speculation)
      .def_readwrite("draft_model", &EngineConfig::draft_model)
      .def_readwrite("draft_gpu_layers", &EngineConfig::draft_gpu_layers)
      .def_readwrite("deterministic", &EngineConfig::deterministic)
      .def_readwrite("jump_forward", &EngineConfig::jump_forward)
      .def_readwrite("queue_limit", &EngineConfig::queue_limit)
      .def_readwrite("queue_tokens", &EngineConfig::queue_tokens)
      .def_readwrite("queue_wait_ms", &EngineConfig::queue_wait_ms)
      .def_readwrite("reader_wait_ms", &EngineConfig::reader_wait_ms)
      .def_readwrite("lora_dir", &EngineConfig::lora_dir)
      .def_readwrite("max_adapters", &EngineConfig::max_adapters)
      .def_readwrite("chat_template", &EngineConfig::chat_template)
      .def_readwrite("embedding_pooling", &EngineConfig::embedding_pooling);
  BindTuple(&config, "tenant_weights", &EngineConfig::tenant_weights);
}

}  // namespace

void BindTypes(py::module_* module) {
  BindEnums(module);
  BindSampling(module);
  BindRequest(module);
  BindEvents(module);
  BindConfig(module);
}

}  // namespace sentiric::bindings
