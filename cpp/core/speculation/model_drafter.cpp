// SPDX-License-Identifier: AGPL-3.0-only
#include "core/speculation/model_drafter.h"

#include <algorithm>
#include <cstdint>
#include <tuple>
#include <utility>

namespace sentiric {
namespace {

const Error kFailed{ErrorCode::kInternal, "draft_model", "the draft model failed"};

std::size_t CommonPrefix(const std::vector<Token>& a, const std::vector<Token>& b) {
  const std::size_t size = std::min(a.size(), b.size());
  const auto end = a.begin() + static_cast<std::ptrdiff_t>(size);
  return static_cast<std::size_t>(std::mismatch(a.begin(), end, b.begin()).first - a.begin());
}

}  // namespace

ModelDrafter::ModelDrafter(std::unique_ptr<Decoder> decoder, std::int32_t num_vocab)
    : decoder_(std::move(decoder)),
      num_vocab_(static_cast<std::size_t>(std::min(num_vocab, decoder_->traits().num_vocab))),
      slots_(static_cast<std::size_t>(decoder_->traits().sequences)) {}

Result<Drafts> ModelDrafter::Draft(const std::vector<DraftRequest>& requests, std::int32_t room) {
  Drafts drafts;
  std::vector<Stream> streams = Attach(requests, room, &drafts);
  if (!Read(&streams)) return kFailed;
  const Clock::time_point start = Clock::now();
  while (!streams.empty()) {
    if (!Extend(&streams)) return kFailed;
  }
  drafts.ms = std::chrono::duration<double, std::milli>(Clock::now() - start).count();
  return drafts;
}

void ModelDrafter::Forget(SeqId seq) {
  for (Slot& slot : slots_) {
    if (slot.owner == seq) slot.owner = -1;
  }
}

// Gives each stream an equal part of the room; none if it is not enough for one token each.
std::vector<ModelDrafter::Stream> ModelDrafter::Attach(const std::vector<DraftRequest>& requests,
                                                       std::int32_t room, Drafts* drafts) {
  drafts->tokens.resize(requests.size());
  const std::int32_t part = room / std::max(1, static_cast<std::int32_t>(requests.size()));
  std::vector<Stream> streams;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    const DraftRequest& request = requests[i];
    const auto size = static_cast<std::int32_t>(request.tokens->size());
    const std::int32_t limit =
        std::min({request.limit, part, decoder_->traits().context_size - size});
    if (limit <= 0) continue;
    const SeqId slot = SlotOf(request);
    CutBack(slot, *request.tokens);
    const auto next = request.tokens->begin() + static_cast<std::ptrdiff_t>(At(slot).cells.size());
    const bool is_known = std::all_of(next, request.tokens->end(), [this](Token token) {
      return static_cast<std::size_t>(token) < num_vocab_;
    });
    if (is_known) streams.push_back({slot, request.tokens, &drafts->tokens[i], limit});
  }
  return streams;
}

// The slot of the stream, or the free slot whose cells help it most.
SeqId ModelDrafter::SlotOf(const DraftRequest& request) {
  const auto own = std::find_if(slots_.begin(), slots_.end(),
                                [&](const Slot& slot) { return slot.owner == request.seq; });
  if (own != slots_.end()) return static_cast<SeqId>(own - slots_.begin());
  SeqId best = -1;
  std::pair<std::size_t, std::size_t> most;  // tokens in common, then fewest cells lost
  for (SeqId id = 0; id < static_cast<SeqId>(slots_.size()); ++id) {
    const Slot& slot = At(id);
    if (slot.owner >= 0) continue;
    const std::size_t shared =
        slot.scope == *request.scope ? CommonPrefix(slot.cells, *request.tokens) : 0;
    const std::pair worth{shared, SIZE_MAX - slot.cells.size()};
    if (best < 0 || worth > most) std::tie(best, most) = std::pair{id, worth};
  }
  Slot& slot = At(best);
  if (slot.scope != *request.scope) CutBack(best, {});
  slot.owner = request.seq;
  slot.scope = *request.scope;
  return best;
}

// Always recomputes the last token: the draft starts from its logits.
void ModelDrafter::CutBack(SeqId slot, const std::vector<Token>& text) {
  std::vector<Token>& cells = At(slot).cells;
  const std::size_t most = text.empty() ? 0 : text.size() - 1;
  std::size_t keep = std::min(CommonPrefix(cells, text), most);
  if (keep == cells.size()) return;
  if (!decoder_->Truncate(slot, static_cast<Position>(keep))) {
    decoder_->Clear(slot);
    keep = 0;
  }
  cells.resize(keep);
}

// Streams with much unread text get no draft in this step.
bool ModelDrafter::Read(std::vector<Stream>* streams) {
  const auto reading = std::stable_partition(
      streams->begin(), streams->end(), [this](const Stream& s) { return GapOf(s) <= kMaxGap; });
  Batch batch;
  for (auto stream = reading; stream != streams->end(); ++stream) {
    const auto left = kReadRows - static_cast<std::int32_t>(batch.size());
    Append(*stream, std::min(left, GapOf(*stream) - 1), &batch);
  }
  streams->erase(reading, streams->end());
  return batch.empty() || Decode(batch);
}

// Drafts one more token for each stream; removes streams that have enough.
bool ModelDrafter::Extend(std::vector<Stream>* streams) {
  Batch batch;
  std::vector<std::size_t> rows;
  for (const Stream& stream : *streams) {
    Append(stream, GapOf(stream), &batch);
    batch.back().wants_logits = true;
    rows.push_back(batch.size() - 1);
  }
  if (!Decode(batch)) return false;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    Stream& stream = (*streams)[i];
    const Token token = Likeliest(rows[i]);
    if (token < 0) {
      stream.limit = 0;
    } else {
      stream.draft->push_back(token);
    }
  }
  const auto has_enough = [](const Stream& stream) {
    return static_cast<std::int32_t>(stream.draft->size()) >= stream.limit;
  };
  streams->erase(std::remove_if(streams->begin(), streams->end(), has_enough), streams->end());
  return true;
}

// Tokens of text and draft that are not evaluated yet.
std::int32_t ModelDrafter::GapOf(const Stream& stream) const {
  const std::size_t known = stream.text->size() + stream.draft->size();
  const std::size_t computed = slots_[static_cast<std::size_t>(stream.slot)].cells.size();
  return static_cast<std::int32_t>(known - computed);
}

// Appends the next `count` of them to the batch.
void ModelDrafter::Append(const Stream& stream, std::int32_t count, Batch* batch) const {
  const std::size_t from = slots_[static_cast<std::size_t>(stream.slot)].cells.size();
  for (std::size_t at = from; at < from + static_cast<std::size_t>(count); ++at) {
    const bool is_text = at < stream.text->size();
    const Token token = is_text ? (*stream.text)[at] : (*stream.draft)[at - stream.text->size()];
    batch->push_back({stream.slot, static_cast<Position>(at), token, false});
  }
}

bool ModelDrafter::Decode(const Batch& batch) {
  if (decoder_->Decode(batch, nullptr) != DecodeStatus::kOk) return false;
  for (const Row& row : batch) At(row.seq).cells.push_back(row.token);
  return true;
}

// -1 when there is no such token.
Token ModelDrafter::Likeliest(std::size_t row) {
  scan_.Read(decoder_->Logits(row), num_vocab_);
  best_.clear();
  if (scan_.is_finite()) scan_.Top(1, &best_);
  return best_.empty() ? -1 : best_.front().token;
}

}  // namespace sentiric
