// SPDX-License-Identifier: AGPL-3.0-only
// Drafts with a smaller model of the same vocabulary.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/sampling/row_scan.h"
#include "core/seams/decoder.h"
#include "core/seams/drafter.h"

namespace sentiric {

// All streams draft together: one decode call for each position of their drafts, taking the
// likeliest token each time. Each stream has a sequence of the draft model, which keeps the cells
// that the text still begins with. A text that is far ahead of its cells is read first, part by
// part; a text that does not fit into the draft model's context gets no draft.
class ModelDrafter : public Drafter {
 public:
  static constexpr std::int32_t kReadRows = 128;  // rows of one call, for all streams that read
  static constexpr std::int32_t kMaxGap = 16;     // most unread tokens with which a stream drafts

  // `decoder` must have a sequence for each stream and take max(kReadRows, sequences x kMaxGap)
  // rows. num_vocab: that of the model that is drafted for.
  ModelDrafter(std::unique_ptr<Decoder> decoder, std::int32_t num_vocab);

  Result<Drafts> Draft(const std::vector<DraftRequest>& requests, std::int32_t room) override;
  // Keeps the cells for a text that begins with the same tokens.
  void Forget(SeqId seq) override;

 private:
  // A sequence of the draft model; its id is the index.
  struct Slot {
    SeqId owner = -1;  // the stream; -1 = free
    std::string scope;
    std::vector<Token> cells;
  };
  // A request that gets a draft.
  struct Stream {
    SeqId slot;
    const std::vector<Token>* text;
    std::vector<Token>* draft;
    std::int32_t limit;
  };

  std::vector<Stream> Attach(const std::vector<DraftRequest>& requests, std::int32_t room,
                             Drafts* drafts);
  SeqId SlotOf(const DraftRequest& request);
  void CutBack(SeqId slot, const std::vector<Token>& text);
  bool Read(std::vector<Stream>* streams);
  bool Extend(std::vector<Stream>* streams);
  std::int32_t GapOf(const Stream& stream) const;
  void Append(const Stream& stream, std::int32_t count, Batch* batch) const;
  bool Decode(const Batch& batch);
  Token Likeliest(std::size_t row);
  Slot& At(SeqId slot) { return slots_[static_cast<std::size_t>(slot)]; }

  const std::unique_ptr<Decoder> decoder_;
  const std::size_t num_vocab_;  // tokens that both models know
  std::vector<Slot> slots_;
  sampling::RowScan scan_;
  sampling::Candidates best_;
};

}  // namespace sentiric
