// SPDX-License-Identifier: AGPL-3.0-only
// Facts about an engine. Read-only.
#include <pybind11/pybind11.h>

#include "bindings/bindings.h"
#include "sentiric/engine.h"

namespace sentiric::bindings {
namespace py = pybind11;

namespace {

void BindModelInfo(py::module_* m) {
  py::class_<ModelInfo>(*m, "ModelInfo")
      .def_readonly("path", &ModelInfo::path)
      .def_readonly("name", &ModelInfo::name)
      .def_readonly("architecture", &ModelInfo::architecture)
      .def_readonly("quantization", &ModelInfo::quantization)
      .def_readonly("description", &ModelInfo::description)
      .def_readonly("chat_template_source", &ModelInfo::chat_template_source)
      .def_readonly("chat_template", &ModelInfo::chat_template)
      .def_readonly("template_tools", &ModelInfo::template_tools)
      .def_readonly("template_reasoning", &ModelInfo::template_reasoning)
      .def_readonly("size_bytes", &ModelInfo::size_bytes)
      .def_readonly("num_params", &ModelInfo::num_params)
      .def_readonly("num_vocab", &ModelInfo::num_vocab)
      .def_readonly("num_embd", &ModelInfo::num_embd)
      .def_readonly("num_layers", &ModelInfo::num_layers)
      .def_readonly("context_train", &ModelInfo::context_train)
      .def_readonly("context_size", &ModelInfo::context_size)
      .def_readonly("contexts", &ModelInfo::contexts)
      .def_readonly("batch_size", &ModelInfo::batch_size)
      .def_readonly("physical_batch_size", &ModelInfo::physical_batch_size)
      .def_readonly("compute_threads", &ModelInfo::compute_threads)
      .def_readonly("can_shift", &ModelInfo::can_shift)
      .def_readonly("can_generate", &ModelInfo::can_generate)
      .def_readonly("kv_layout", &ModelInfo::kv_layout)
      .def_readonly("flash_attention", &ModelInfo::flash_attention)
      .def_readonly("backend", &ModelInfo::backend)
      .def_readonly("speculation", &ModelInfo::speculation)
      .def_readonly("bos", &ModelInfo::bos)
      .def_readonly("eos", &ModelInfo::eos)
      .def_readonly("infill_prefix", &ModelInfo::infill_prefix)
      .def_readonly("infill_suffix", &ModelInfo::infill_suffix)
      .def_readonly("infill_middle", &ModelInfo::infill_middle);
}

void BindStats(py::module_* m) {
  py::class_<Capacity>(*m, "Capacity")
      .def_readonly("active", &Capacity::active)
      .def_readonly("total", &Capacity::total)
      .def_readonly("available", &Capacity::available);
  py::class_<EngineStats>(*m, "EngineStats")
      .def_readonly("requests_submitted", &EngineStats::requests_submitted)
      .def_readonly("requests_completed", &EngineStats::requests_completed)
      .def_readonly("requests_cancelled", &EngineStats::requests_cancelled)
      .def_readonly("requests_failed", &EngineStats::requests_failed)
      .def_readonly("requests_rejected", &EngineStats::requests_rejected)
      .def_readonly("steps", &EngineStats::steps)
      .def_readonly("decode_calls", &EngineStats::decode_calls)
      .def_readonly("prompt_tokens", &EngineStats::prompt_tokens)
      .def_readonly("cached_tokens", &EngineStats::cached_tokens)
      .def_readonly("prefix_hits", &EngineStats::prefix_hits)
      .def_readonly("prefix_hits_host", &EngineStats::prefix_hits_host)
      .def_readonly("prefix_hits_disk", &EngineStats::prefix_hits_disk)
      .def_readonly("prefix_copies", &EngineStats::prefix_copies)
      .def_readonly("prefix_evictions", &EngineStats::prefix_evictions)
      .def_readonly("prefix_checkpoints", &EngineStats::prefix_checkpoints)
      .def_readonly("disk_cache_saves", &EngineStats::disk_cache_saves)
      .def_readonly("disk_cache_failures", &EngineStats::disk_cache_failures)
      .def_readonly("preemptions", &EngineStats::preemptions)
      .def_readonly("resumes", &EngineStats::resumes)
      .def_readonly("generated_tokens", &EngineStats::generated_tokens)
      .def_readonly("jumped_tokens", &EngineStats::jumped_tokens)
      .def_readonly("shifts", &EngineStats::shifts)
      .def_readonly("shifted_tokens", &EngineStats::shifted_tokens)
      .def_readonly("kv_full_retries", &EngineStats::kv_full_retries)
      .def_readonly("grammar_cache_hits", &EngineStats::grammar_cache_hits)
      .def_readonly("grammar_cache_misses", &EngineStats::grammar_cache_misses)
      .def_readonly("event_batches", &EngineStats::event_batches)
      .def_readonly("drafted_tokens", &EngineStats::drafted_tokens)
      .def_readonly("accepted_draft_tokens", &EngineStats::accepted_draft_tokens)
      .def_readonly("embedded_inputs", &EngineStats::embedded_inputs)
      .def_readonly("repetitions", &EngineStats::repetitions)
      .def_readonly("draft_failures", &EngineStats::draft_failures)
      .def_readonly("queued", &EngineStats::queued)
      .def_readonly("preparing", &EngineStats::preparing)
      .def_readonly("prefilling", &EngineStats::prefilling)
      .def_readonly("decoding", &EngineStats::decoding)
      .def_readonly("kv_tokens", &EngineStats::kv_tokens)
      .def_readonly("waiting", &EngineStats::waiting)
      .def_readonly("reader_waits", &EngineStats::reader_waits)
      .def_readonly("queued_tokens", &EngineStats::queued_tokens)
      .def_readonly("kv_cells", &EngineStats::kv_cells)
      .def_readonly("resting_tokens", &EngineStats::resting_tokens)
      .def_readonly("resting_sequences", &EngineStats::resting_sequences)
      .def_readonly("host_cache_bytes", &EngineStats::host_cache_bytes)
      .def_readonly("disk_cache_bytes", &EngineStats::disk_cache_bytes)
      .def_readonly("prefill_budget", &EngineStats::prefill_budget)
      .def_readonly("adapters_loaded", &EngineStats::adapters_loaded)
      .def_readonly("step_error", &EngineStats::step_error)
      .def_readonly("request_ms_mean", &EngineStats::request_ms_mean)
      .def_readonly("step_ms_mean", &EngineStats::step_ms_mean);
}

}  // namespace

void BindFacts(py::module_* module) {
  BindModelInfo(module);
  BindStats(module);
}

}  // namespace sentiric::bindings
