// SPDX-License-Identifier: AGPL-3.0-only
// A toy language model behind core/seams/decoder.h: its next token depends on all cells of
// its KV cache, so any mistake in the cache changes the text.
#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include "core/seams/decoder.h"

namespace sentiric::testing {

inline constexpr std::int32_t kVocab = 64;
inline constexpr Token kEnd = 0;
inline constexpr Token kNan = 1;                // a row after this token holds NaN
inline constexpr std::int32_t kMaxOutputs = 5;  // rows of a prompt with logits
inline constexpr Token kPoison = 2;             // the backend fails on batches that hold it

struct FakeModel {
  std::int32_t contexts = 4;
  std::int32_t sequences = 0;  // 0 = contexts
  std::int32_t context_size = 64;
  std::int32_t cells = 1 << 20;     // in the whole cache
  std::int32_t num_vocab = kVocab;  // as reported: large rows are sampled with helpers
  bool can_shift = true;
  bool can_generate = true;
  bool can_cut = true;
  std::int32_t window = 0;  // only so many cells are kept for certain; 0 = all
  bool shares_cells = false;
  bool mixes_rows = false;
  // As on the CPU: a cell computed alone differs from the same cell computed in a longer chunk.
  bool rounds = false;
  std::int32_t max_draft = 0;
  std::int32_t max_batch = 512;
  bool never_ends = true;
  std::chrono::microseconds row_time{0};
  std::chrono::milliseconds copy_time{0};  // of cells, from sequence to sequence
  // If set, nothing is decoded until it is true, so that requests submitted before run together.
  std::shared_ptr<std::atomic<bool>> gate;
  std::int32_t keep = 4;  // head of every prompt, which a shift must keep
  // If set, counts the cells that shifts have moved for other sequences, too.
  std::shared_ptr<int> moved_for_others;
  // If set, gets the first `keep` cells of a sequence after each of its shifts.
  std::shared_ptr<std::vector<std::vector<Token>>> heads;
};

inline std::shared_ptr<std::atomic<bool>> ClosedGate() {
  return std::make_shared<std::atomic<bool>>(false);
}

class FakeDecoder : public Decoder {
 public:
  explicit FakeDecoder(const FakeModel& model) : model_(model) {
    traits_.num_vocab = model.num_vocab;
    traits_.contexts = model.contexts;
    traits_.sequences = std::max(model.contexts, model.sequences);
    traits_.can_cut = model.can_cut;
    traits_.shares_cells = model.shares_cells;
    traits_.mixes_rows = model.mixes_rows;
    traits_.context_size = model.context_size;
    traits_.max_batch = model.max_batch;
    traits_.max_draft = model.max_draft;
    traits_.max_outputs = std::max(model.contexts + model.max_draft, kMaxOutputs);
    traits_.can_shift = model.can_shift;
    traits_.can_recut = !model.rounds;
    cache_.resize(static_cast<std::size_t>(traits_.sequences));
  }

  const DecoderTraits& traits() const override { return traits_; }
  void UseAdapters(const AdapterSet* adapters) override {
    adapters_ = adapters == nullptr ? 0 : std::hash<std::string>()(adapters->key());
  }

  DecodeStatus Decode(const Batch& batch, const std::atomic<bool>* abort) override {
    logits_.clear();
    while (model_.gate && !model_.gate->load()) std::this_thread::yield();
    if (!IsValid(batch)) return DecodeStatus::kInvalid;
    if (NumCells() + static_cast<std::int32_t>(batch.size()) > model_.cells) {
      return DecodeStatus::kKvFull;
    }
    for (std::size_t i = 0; i < batch.size(); ++i) {
      const Row& row = batch[i];
      if (row.token == kPoison) return DecodeStatus::kFailed;
      if (abort != nullptr && abort->load()) return DecodeStatus::kAborted;
      if (model_.row_time.count() > 0) std::this_thread::sleep_for(model_.row_time);
      const bool is_alone = (i == 0 || batch[i - 1].seq != row.seq) &&
                            (i + 1 == batch.size() || batch[i + 1].seq != row.seq);
      CellsOf(row.seq).push_back(
          std::make_shared<const Cell>(Cell{row.token, model_.rounds && is_alone, adapters_}));
      logits_.push_back(row.wants_logits ? LogitsOf(row.seq) : std::vector<float>{});
    }
    return DecodeStatus::kOk;
  }

  const float* Logits(std::size_t row) override { return logits_.at(row).data(); }
  bool Truncate(SeqId seq, Position from) override {
    if (from < ShortestCut(seq)) return false;
    auto& cells = CellsOf(seq);
    if (static_cast<std::size_t>(from) < cells.size()) cells.resize(static_cast<std::size_t>(from));
    return true;
  }
  Position ShortestCut(SeqId seq) override {
    const Position size = MaxPosition(seq) + 1;
    if (!model_.can_cut) return size;
    return model_.window > 0 ? std::max(0, size - model_.window) : 0;
  }
  void Shift(SeqId seq, Position keep, Position count) override {
    auto& cells = CellsOf(seq);
    cells.erase(cells.begin() + keep, cells.begin() + keep + count);
    for (std::size_t i = static_cast<std::size_t>(keep); i < cells.size(); ++i) {
      if (model_.moved_for_others && cells[i].use_count() > 1) ++*model_.moved_for_others;
    }
    if (model_.heads) {
      model_.heads->emplace_back();
      for (Position i = 0; i < model_.keep; ++i) {
        model_.heads->back().push_back(cells.at(static_cast<std::size_t>(i))->token);
      }
    }
  }
  bool Copy(SeqId from, SeqId to, Position count) override {
    if (MaxPosition(to) >= 0 || MaxPosition(from) + 1 < count) return false;
    if (count < ShortestCut(from)) return false;
    if (model_.copy_time.count() > 0) std::this_thread::sleep_for(model_.copy_time);
    const auto& source = CellsOf(from);
    for (Position i = 0; i < count; ++i) {
      const Cell& cell = *source[static_cast<std::size_t>(i)];
      CellsOf(to).push_back(model_.shares_cells ? source[static_cast<std::size_t>(i)]
                                                : std::make_shared<const Cell>(cell));
    }
    return true;
  }
  std::uint64_t SavedSize(SeqId seq) override { return CellsOf(seq).size() * sizeof(Cell); }
  std::vector<std::uint8_t> Save(SeqId seq) override {
    std::vector<std::uint8_t> state(SavedSize(seq));
    std::size_t at = 0;
    for (const auto& cell : CellsOf(seq)) {
      std::memcpy(state.data() + at, cell.get(), sizeof(Cell));
      at += sizeof(Cell);
    }
    return state;
  }
  bool Restore(SeqId seq, const std::vector<std::uint8_t>& state) override {
    if (MaxPosition(seq) >= 0 || state.size() % sizeof(Cell) != 0) return false;
    for (std::size_t at = 0; at < state.size(); at += sizeof(Cell)) {
      Cell cell;
      std::memcpy(&cell, state.data() + at, sizeof(Cell));
      CellsOf(seq).push_back(std::make_shared<const Cell>(cell));
    }
    return true;
  }
  void Clear(SeqId seq) override { CellsOf(seq).clear(); }
  Position MaxPosition(SeqId seq) override {
    return static_cast<Position>(CellsOf(seq).size()) - 1;
  }

  // The tokens whose cells the sequence holds.
  std::vector<Token> TokensOf(SeqId seq) {
    std::vector<Token> tokens;
    for (const auto& cell : CellsOf(seq)) tokens.push_back(cell->token);
    return tokens;
  }

 private:
  struct Cell {
    Token token = 0;
    std::int32_t was_alone = 0;
    std::uint64_t adapters = 0;
  };
  using Cells = std::vector<std::shared_ptr<const Cell>>;

  Cells& CellsOf(SeqId seq) { return cache_.at(static_cast<std::size_t>(seq)); }
  bool IsValid(const Batch& batch) {
    if (batch.size() > static_cast<std::size_t>(traits_.max_batch)) return false;
    const auto num_outputs =
        std::count_if(batch.begin(), batch.end(), [](const Row& row) { return row.wants_logits; });
    if (num_outputs > traits_.max_outputs) return false;
    std::map<SeqId, Position> next;
    for (const Row& row : batch) {
      if (row.pos >= traits_.context_size) return false;
      const auto at = next.emplace(row.seq, MaxPosition(row.seq) + 1).first;
      if (row.pos != at->second++) return false;
    }
    return !batch.empty();
  }
  // A cell that several sequences share counts once.
  std::int32_t NumCells() const {
    std::set<const Cell*> cells;
    for (const auto& sequence : cache_) {
      for (const auto& cell : sequence) cells.insert(cell.get());
    }
    return static_cast<std::int32_t>(cells.size());
  }
  std::vector<float> LogitsOf(SeqId seq) {
    std::uint64_t hash = 1469598103934665603ULL;
    for (const auto& cell : CellsOf(seq)) {
      const auto value = static_cast<std::uint64_t>(2 * cell->token + cell->was_alone);
      hash = (hash ^ value ^ cell->adapters) * 1099511628211ULL;
    }
    std::vector<float> logits(kVocab, 0.0f);
    const Token low = model_.never_ends ? 3 : kEnd;
    Token best = low + static_cast<Token>((hash >> 20) % static_cast<std::uint64_t>(kVocab - low));
    if (best == kNan || best == kPoison) best = 3;
    logits[static_cast<std::size_t>(best)] = 1.0f;
    if (CellsOf(seq).back()->token == kNan) logits[0] = NAN;
    return logits;
  }

  const FakeModel model_;
  DecoderTraits traits_;
  std::vector<Cells> cache_;
  std::vector<std::vector<float>> logits_;
  std::uint64_t adapters_ = 0;  // of the calls from now on
};

// Every name except "missing" is an adapter. Loaded adapters stay in memory, at most `max_loaded`.
class FakeAdapters : public AdapterStore {
 public:
  explicit FakeAdapters(std::size_t max_loaded = 64) : max_loaded_(max_loaded) {}

  Result<AdapterSetHandle> Load(const std::vector<AdapterUse>& adapters) override {
    if (before_load) before_load();
    const std::lock_guard<std::mutex> lock(mutex_);
    ++num_loads_;
    if (adapters.front().name == "missing") {
      return Error{ErrorCode::kModelNotFound, "lora_adapter", "no such adapter"};
    }
    const std::string key = AdapterKey(adapters);
    for (auto it = sets_.begin(); sets_.size() >= max_loaded_ && it != sets_.end();) {
      it = it->first != key && it->second.use_count() == 1 ? sets_.erase(it) : std::next(it);
    }
    if (sets_.count(key) == 0 && sets_.size() >= max_loaded_) {
      return Error{ErrorCode::kOverloaded, "lora_adapter", "all are in use"};
    }
    AdapterSetHandle& set = sets_[key];
    if (!set) set = std::make_shared<const AdapterSet>(key);
    return set;
  }
  AdapterSetHandle Find(const std::vector<AdapterUse>& adapters) override {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto found = sets_.find(AdapterKey(adapters));
    return found == sets_.end() ? nullptr : found->second;
  }
  std::int32_t num_loaded() const override {
    const std::lock_guard<std::mutex> lock(mutex_);
    return static_cast<std::int32_t>(sets_.size());
  }
  int num_loads() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return num_loads_;
  }

  std::function<void()> before_load;  // set before the first use

 private:
  const std::size_t max_loaded_;
  mutable std::mutex mutex_;
  std::map<std::string, AdapterSetHandle> sets_;  // guarded by mutex_
  int num_loads_ = 0;                             // the same
};

}  // namespace sentiric::testing
