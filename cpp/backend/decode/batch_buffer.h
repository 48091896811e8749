// SPDX-License-Identifier: AGPL-3.0-only
#pragma once

#include <vector>

#include "core/seams/decoder.h"
#include "llama.h"

namespace sentiric::backend {

// The arrays behind a llama_batch whose rows belong to one sequence each. Reused for each call.
class BatchBuffer {
 public:
  void Reset() { rows_ = 0; }
  void Add(const Row& row);
  std::int32_t size() const { return rows_; }
  llama_batch View();  // valid until the next Add

 private:
  std::int32_t rows_ = 0;
  std::vector<llama_token> tokens_;
  std::vector<llama_pos> positions_;
  std::vector<std::int32_t> num_seqs_;
  std::vector<llama_seq_id> seqs_;
  std::vector<llama_seq_id*> seq_pointers_;
  std::vector<std::int8_t> outputs_;
};

}  // namespace sentiric::backend
