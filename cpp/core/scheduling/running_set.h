// SPDX-License-Identifier: AGPL-3.0-only
// The sequences that hold a context.
#pragma once

#include <memory>
#include <vector>

#include "core/scheduling/sequence.h"

namespace sentiric {

// In order of admission. One thread uses it.
class RunningSet {
 public:
  // num_sequences: those of the decoder.
  explicit RunningSet(std::int32_t num_sequences)
      : by_seq_(static_cast<std::size_t>(num_sequences), nullptr) {}

  void Add(std::unique_ptr<Sequence> sequence);  // it must hold a lease
  std::unique_ptr<Sequence> Take(std::size_t index);
  void DropFinished();

  // The request that runs in this sequence of the decoder; null = none.
  Sequence* Find(SeqId seq) const { return by_seq_[static_cast<std::size_t>(seq)]; }
  Sequence* at(std::size_t index) const { return sequences_[index].get(); }
  auto begin() const { return sequences_.begin(); }
  auto end() const { return sequences_.end(); }
  std::size_t size() const { return sequences_.size(); }
  bool empty() const { return sequences_.empty(); }

 private:
  void Unlink(const Sequence& sequence) {
    by_seq_[static_cast<std::size_t>(sequence.seq())] = nullptr;
  }

  std::vector<std::unique_ptr<Sequence>> sequences_;
  std::vector<Sequence*> by_seq_;
};

}  // namespace sentiric
