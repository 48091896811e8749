// SPDX-License-Identifier: AGPL-3.0-only
#include "backend/decode/batch_buffer.h"

namespace sentiric::backend {

void BatchBuffer::Add(const Row& row) {
  const auto at = static_cast<std::size_t>(rows_++);
  if (at == tokens_.size()) {
    tokens_.resize(at + 1);
    positions_.resize(at + 1);
    num_seqs_.resize(at + 1, 1);
    seqs_.resize(at + 1);
    outputs_.resize(at + 1);
  }
  tokens_[at] = row.token;
  positions_[at] = row.pos;
  seqs_[at] = row.seq;
  outputs_[at] = row.wants_logits ? 1 : 0;
}

llama_batch BatchBuffer::View() {
  seq_pointers_.resize(seqs_.size());
  for (std::size_t i = 0; i < seqs_.size(); ++i) seq_pointers_[i] = &seqs_[i];
  llama_batch batch{};
  batch.n_tokens = rows_;
  batch.token = tokens_.data();
  batch.pos = positions_.data();
  batch.n_seq_id = num_seqs_.data();
  batch.seq_id = seq_pointers_.data();
  batch.logits = outputs_.data();
  return batch;
}

}  // namespace sentiric::backend
