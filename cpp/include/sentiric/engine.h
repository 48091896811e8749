// SPDX-License-Identifier: AGPL-3.0-only
// The engine: one model, N contexts (sequences), one worker thread that owns all decoding.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "sentiric/types.h"

namespace sentiric {

inline constexpr std::int32_t kQueuePerContext = 16;

struct EngineConfig {
  std::string model_path;
  std::int32_t contexts = 4;               // concurrent sequences, 1..256
  std::int32_t context_size = 4096;        // tokens per sequence; 0 = the model's training length
  std::int32_t batch_size = 2048;          // most tokens handed to one decode call
  std::int32_t physical_batch_size = 512;  // most tokens computed at once
  std::int32_t prefill_chunk = 0;  // prompt tokens per step beside streams; 0, 1 = by itl_slo_ms
  // Target length of a step while streams run: prompts get the tokens that still fit. -1 = 50 with
  // a unified KV cache, as on GPUs, else 200; 0 = off, prompts take the whole batch.
  std::int32_t itl_slo_ms = -1;
  // Events of one request within this time are joined, except its first tokens and its end. 0 = one
  // event per step.
  std::int32_t stream_interval_ms = 0;
  std::int32_t compute_threads = 0;        // 0 = all CPUs that this process may use
  std::int32_t compute_threads_batch = 0;  // for prompts; 0 = as compute_threads
  std::int32_t gpu_layers = -1;            // -1 = all; ignored by CPU builds
  bool use_mmap = true;
  bool kv_offload = true;
  std::string flash_attention = "auto";  // "auto" | "on" | "off"
  std::string kv_layout = "auto";        // "auto" | "unified" | "split"
  std::string cache_type_k = "f16";      // "f32" | "f16" | "bf16" | "q8_0" | ...
  std::string cache_type_v = "f16";
  std::int32_t kv_cells = 0;           // tokens in a unified KV cache; 0 = contexts x size
  bool prefix_cache = true;            // share computed prefixes between requests
  std::int64_t host_cache_bytes = -1;  // bound of KV states in host memory; 0 = none; -1 = 1/16 of
                                       // free memory, at most 1 GiB
  std::string disk_cache_dir;          // folder for prefixes that conversations share; empty = none
  std::int64_t disk_cache_bytes = 4294967296;  // bound of that folder
  // "auto" | "off" | "ngram" | "draft": see docs/speculation.md
  std::string speculation = "auto";
  std::string draft_model;             // path of a smaller model that drafts; empty = none
  std::int32_t draft_gpu_layers = -1;  // of the draft model, as gpu_layers
  bool deterministic = false;          // see docs/determinism.md
  bool jump_forward = true;            // append text that a grammar forces without sampling
  std::int32_t queue_limit = 0;        // waiting requests; 0 = kQueuePerContext x contexts
  std::int64_t queue_tokens = 0;       // waiting prompt tokens; 0 = no limit
  std::int32_t queue_wait_ms = 30000;  // <= 0 = no limit
  // How long a request whose credit is used up keeps its context; then it ends with
  // kDeadlineExceeded. 0 = no limit.
  std::int32_t reader_wait_ms = 30000;
  std::vector<std::pair<std::string, double>> tenant_weights;  // others have weight 1
  std::string lora_dir;                    // folder of LoRA adapters; empty = none
  std::int32_t max_adapters = 8;           // adapters kept in memory, 1..64
  std::string chat_template;               // Jinja; empty = the model's own
  std::string embedding_pooling = "auto";  // "auto" | "mean" | "cls" | "last"
};

inline constexpr std::size_t kLongestLine = 1024;  // of which the order is told

struct Capacity {
  std::int32_t active = 0;
  std::int32_t total = 0;
  std::int32_t available = 0;  // total - active, always
};

// A request that waits for a context.
struct Queued {
  RequestId request = 0;
  std::uint64_t tag = 0;  // Request::tag
};

struct ModelInfo {
  std::string path, name, architecture, quantization, description;
  std::string chat_template_source;  // "model" | "override" | "fallback"
  std::string chat_template;
  bool template_tools = false;      // the template shows tools and the calls of earlier messages
  bool template_reasoning = false;  // it shows earlier reasoning, at least when asked to
  std::uint64_t size_bytes = 0, num_params = 0;
  std::int32_t num_vocab = 0, num_embd = 0, num_layers = 0, context_train = 0;
  std::int32_t context_size = 0, contexts = 0, batch_size = 0, physical_batch_size = 0,
               compute_threads = 0;
  bool can_shift = false;
  std::string kv_layout, flash_attention, backend;
  std::string speculation;  // source of drafts: "draft" | "ngram" | "off"
  Token bos = -1, eos = -1;
  // What a prompt for text between two others is made of; -1 = the vocabulary has none.
  Token infill_prefix = -1, infill_suffix = -1, infill_middle = -1;
  bool can_generate = true;  // false for an encoder, which computes embeddings only
};

// Counters since Open(), and gauges.
struct EngineStats {
  std::uint64_t requests_submitted = 0, requests_completed = 0, requests_cancelled = 0;
  std::uint64_t requests_failed = 0, requests_rejected = 0;
  std::uint64_t steps = 0, decode_calls = 0;
  std::uint64_t prompt_tokens = 0;  // evaluated in prefill
  std::uint64_t cached_tokens = 0;  // of prompts, taken from the prefix cache
  std::uint64_t prefix_hits = 0;    // sequences that began with a prefix of the KV cache
  std::uint64_t prefix_hits_host = 0, prefix_hits_disk = 0;  // with a state from there
  std::uint64_t prefix_copies = 0, prefix_evictions = 0;
  std::uint64_t prefix_checkpoints = 0;  // states kept in the middle of a prompt
  std::uint64_t disk_cache_saves = 0, disk_cache_failures = 0;  // files written; bad or unwritable
  std::uint64_t preemptions = 0, resumes = 0;                   // sequences preempted; resumed
  std::uint64_t generated_tokens = 0;
  std::uint64_t jumped_tokens = 0;  // generated tokens that a grammar forced
  std::uint64_t shifts = 0, shifted_tokens = 0, kv_full_retries = 0;
  std::uint64_t grammar_cache_hits = 0, grammar_cache_misses = 0;
  std::uint64_t event_batches = 0;  // wake-ups handed to the pump
  std::uint64_t drafted_tokens = 0, accepted_draft_tokens = 0;
  std::uint64_t embedded_inputs = 0;  // each decoded alone, for embeddings
  std::uint64_t repetitions = 0;      // requests ended because they repeated themselves
  std::uint64_t draft_failures = 0;   // 1 after the draft model failed; it is not used again
  std::int32_t queued = 0, preparing = 0, prefilling = 0, decoding = 0;
  std::int32_t waiting = 0;        // have a context, while another request computes their prefix
  std::int32_t reader_waits = 0;   // have a context and wait for their reader
  std::int64_t queued_tokens = 0;  // tokens of prompts that wait for a context
  std::int32_t kv_cells = 0;       // positions in the KV cache
  std::int32_t kv_tokens = 0;      // positions held by active sequences
  std::int32_t resting_tokens = 0, resting_sequences = 0;  // cached for later requests
  std::uint64_t host_cache_bytes = 0, disk_cache_bytes = 0;
  std::int32_t prefill_budget = 0;  // prompt tokens allowed in the last step beside streams
  std::int32_t adapters_loaded = 0;
  double step_error = 0;       // mean relative error of the predicted step time
  double request_ms_mean = 0;  // exponential mean of the time in a context
  double step_ms_mean = 0;     // exponential mean
};

// The prompt of a request, as it would be evaluated now if all of it fits.
struct ChatRendering {
  std::string text;
  // Where the first text of each message begins in `text`, in bytes; -1 for one that has none there
  // or that the template changes.
  std::vector<std::int64_t> message_begins;
  std::vector<Token> tokens;
  std::int32_t cached_tokens = 0;  // of these, what the prefix cache would give now
};

// All methods may be called from any thread unless said otherwise.
class Engine {
 public:
  // Loads the model. progress: gets 0..1 on the calling thread and returns false to stop the load.
  static Result<std::unique_ptr<Engine>> Open(const EngineConfig& config,
                                              std::function<bool(float)> progress = nullptr);
  // Ends running requests with kCancelled and joins the threads. Same as Close().
  virtual ~Engine() = default;

  // Never waits. Refuses only a full queue, a wait that is too long, a closed engine and fields out
  // of range; every other outcome, also that of a malformed prompt, arrives as an Event. window:
  // credit of the request, in tokens; delivered ones count, and Grant adds to it. 0 = no bound. A
  // request whose credit is used up keeps its context but is not decoded, for at most
  // `reader_wait_ms`.
  virtual Result<RequestId> Submit(Request request, std::int32_t window = 0) = 0;

  // Adds to the credit of a request as many tokens as its reader has taken. Never waits; ignores
  // unknown ids.
  virtual void Grant(RequestId id, std::int32_t tokens) = 0;

  // The error that Submit would return for every request now: a full queue or a closed engine.
  // Counts as a refusal. For callers that want to know before they read a request.
  virtual Status CheckRoom() = 0;

  // Ends a request within one step; its final event says kCancelled. Ignores unknown ids.
  virtual void Cancel(RequestId id) = 0;

  // Waits until there are events, `timeout` passes or the engine closes, then appends all events of
  // finished steps. Returns false once closed and drained. One consumer at a time.
  virtual bool WaitEvents(std::vector<Event>* events, std::chrono::milliseconds timeout) = 0;

  virtual Result<std::vector<Token>> Tokenize(const std::string& text, bool add_special,
                                              bool parse_special) = 0;
  virtual Result<std::string> Detokenize(const std::vector<Token>& tokens, bool show_special) = 0;
  // The bytes of each token as inside a text: at the beginning, a tokenizer may drop a space.
  // Control tokens are shown.
  virtual Result<std::vector<std::string>> TokenPieces(const std::vector<Token>& tokens) = 0;
  // Both look only at what a conversation is made of: messages, tools, template_arguments and
  // continues, which needs no generation prompt.
  virtual Result<std::string> RenderChat(const Prompt& prompt, bool add_generation_prompt) = 0;
  // With a generation prompt, the tokens that a request with this conversation evaluates.
  virtual Result<std::vector<Token>> TokenizeChat(const Prompt& prompt,
                                                  bool add_generation_prompt) = 0;

  // Of a request with messages; looks at its conversation, adapters and cache_scope.
  virtual Result<ChatRendering> DescribeChat(const Request& request) = 0;

  // The logits after each token: row-major (tokens.size(), num_vocab). Runs between steps.
  virtual Result<std::vector<float>> Logits(const std::vector<Token>& tokens) = 0;
  // (num_embd): pooled and L2-normalised. Runs between steps.
  virtual Result<std::vector<float>> Embed(const std::vector<Token>& tokens) = 0;

  virtual const ModelInfo& info() const = 0;
  virtual Capacity capacity() const = 0;
  virtual EngineStats stats() const = 0;
  // The requests that wait for a context, in the order in which they would get one if nothing
  // changed; as of a recent step. Empty while more than kLongestLine wait. Requests whose prompts
  // are being prepared are not among them.
  virtual std::vector<Queued> Line() const = 0;
  // Idempotent; waits for the worker.
  virtual void Close() = 0;
};

}  // namespace sentiric
