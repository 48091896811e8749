// SPDX-License-Identifier: AGPL-3.0-only
#include "core/sampling/row_picker.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/sampling/token_bans.h"
#include "core/sampling/truncation.h"

namespace sentiric::sampling {
namespace {

// More edits than this are written into a copy of the row instead of merged with its best tokens.
constexpr std::size_t kMaxMerged = 512;
// Candidates that a grammar may refuse before its full mask is computed.
constexpr std::size_t kSpare = 32;
// Allowed tokens are listed one by one up to 1/16 of the vocabulary.
constexpr std::size_t kSparseShare = 16;
constexpr std::size_t kFirstNucleus = 256;

std::size_t LimitOf(const SamplingParams& params) {
  if (params.temperature == 0.0f) return 1;
  return static_cast<std::size_t>(std::max(0, params.top_k));
}

// Scratch space of a row, kept for each thread.
RowScan& FirstScan() {
  thread_local RowScan scan;
  return scan;
}

// A row that may be changed.
struct Copy {
  std::vector<float> values;
  RowScan scan;
  const RowScan& Read() {
    scan.Read(values.data(), values.size());
    return scan;
  }
};
Copy& RowCopy() {
  thread_local Copy copy;
  return copy;
}

// The edit of the token; null when there is none.
const Edit* EditOf(Token token, const std::vector<Edit>& edits) {
  const auto found =
      std::lower_bound(edits.begin(), edits.end(), token,
                       [](const Edit& edit, Token wanted) { return edit.token < wanted; });
  return found != edits.end() && found->token == token ? &*found : nullptr;
}

void Apply(const std::vector<Edit>& edits, std::vector<float>* row) {
  for (const Edit& edit : edits) {
    // -inf: the grammar has refused the token.
    float& value = (*row)[static_cast<std::size_t>(edit.token)];
    if (value != -INFINITY) value = edit.logit;
  }
}

// Copies up to 64 logits; those of refused tokens become -inf.
void CopyAllowed(const float* logits, std::uint64_t word, std::size_t count, float* out) {
  for (std::size_t bit = 0; bit < count; ++bit) {
    out[bit] = (word >> bit & 1) != 0 ? logits[bit] : -INFINITY;
  }
}

void CopyMasked(const float* logits, const grammar::TokenMask& mask, std::size_t size,
                std::vector<float>* out) {
  out->resize(size);
  for (std::size_t i = 0; i < size; i += 64) {
    CopyAllowed(logits + i, mask.words[i / 64], std::min<std::size_t>(64, size - i),
                out->data() + i);
  }
}

void ListMasked(const float* logits, const grammar::TokenMask& mask, Candidates* out) {
  out->clear();
  for (std::size_t i = 0; i < mask.words.size(); ++i) {
    if (mask.words[i] == 0) continue;
    for (std::size_t bit = 0; bit < 64; ++bit) {
      if ((mask.words[i] >> bit & 1) == 0) continue;
      const std::size_t token = i * 64 + bit;
      out->push_back({static_cast<Token>(token), logits[token], 0});
    }
  }
}

void Apply(const std::vector<Edit>& edits, Candidates* list) {
  for (Candidate& candidate : *list) {
    const Edit* edit = EditOf(candidate.token, edits);
    if (edit != nullptr) candidate.logit = edit->logit;
  }
  list->erase(std::remove_if(list->begin(), list->end(),
                             [](const Candidate& c) { return c.logit == -INFINITY; }),
              list->end());
}

}  // namespace

bool RowPicker::Supports(const SamplingParams& p) {
  if (p.dry_multiplier > 0.0f) return false;
  if (p.temperature == 0.0f) return true;
  const bool truncates = p.top_k > 0 || p.top_p < 1.0f || p.min_p > 0.0f;
  // Would need the entropy of the whole vocabulary, sorted.
  if (p.dynatemp_range > 0.0f && !truncates) return false;
  return p.mirostat == 0 && p.typical_p >= 1.0f && p.xtc_probability <= 0.0f;
}

RowPicker::RowPicker(const SamplingParams& params, VocabView vocab, std::vector<Token> banned,
                     std::uint32_t seed)
    : params_(params),
      vocab_(std::move(vocab)),
      listed_(ListedTokens(params, vocab_.end_tokens())),
      limit_(LimitOf(params)),
      edits_(params, std::move(banned)),
      random_(seed) {}

Result<Token> RowPicker::Pick(const float* logits, GrammarFilter* filter) {
  RowScan& row = FirstScan();
  row.Read(logits, static_cast<std::size_t>(vocab_.size()));
  if (!row.is_finite()) return NotNumbers();
  const std::vector<Edit>& edits = edits_.Of(logits);
  if (!listed_.empty()) return PickListed(logits, edits, filter);
  Result<Token> picked =
      filter != nullptr ? PickAllowed(row, edits, filter) : Result<Token>(PickFree(row, edits));
  if (picked && *picked < 0) return NothingToChoose();
  return picked;
}

bool RowPicker::Skip() {
  if (params_.temperature > 0.0f) DrawUniform(&random_);
  return true;
}

Token RowPicker::PickFree(const RowScan& row, const std::vector<Edit>& edits) {
  if (edits.empty()) return PickFromRow(row);
  if (limit_ > 0 && edits.size() <= kMaxMerged) {
    TopEdited(row, edits, limit_);
    return PickFromList(true);
  }
  Copy& copy = RowCopy();
  copy.values.assign(row.row(), row.row() + row.size());
  Apply(edits, &copy.values);
  return PickFromRow(copy.Read());
}

Result<Token> RowPicker::PickListed(const float* logits, const std::vector<Edit>& edits,
                                    GrammarFilter* filter) {
  candidates_.clear();
  for (const Token token : listed_) {
    if (filter == nullptr || filter->Allows(token))
      candidates_.push_back({token, logits[token], 0});
  }
  Apply(edits, &candidates_);
  if (!candidates_.empty()) return PickFromList(false);
  if (filter == nullptr) return NothingListed();
  const grammar::TokenMask* mask = filter->Mask();
  if (mask == nullptr) return filter->status().value_or(NothingToChoose());
  const bool must_end = filter->CanEnd() && mask->num_allowed == 0;
  if (must_end && !vocab_.end_tokens().empty()) return vocab_.end_tokens().front();
  return NothingListed();
}

Result<Token> RowPicker::PickAllowed(const RowScan& row, const std::vector<Edit>& edits,
                                     GrammarFilter* filter) {
  if (limit_ > 0 && edits.size() <= kMaxMerged) {
    TopEdited(row, edits, limit_ + kSpare);
    if (KeepAllowed(filter)) return PickFromList(true);
  }
  if (Status status = filter->status()) return *status;
  const grammar::TokenMask* mask = filter->Mask();
  if (mask == nullptr) return filter->status().value_or(NothingToChoose());
  const bool must_end = filter->CanEnd() && mask->num_allowed == 0;
  if (must_end && !vocab_.end_tokens().empty()) return vocab_.end_tokens().front();
  if (TopAllowed(row, edits, *filter, *mask)) return PickFromList(true);
  const Token picked = PickMasked(row.row(), edits, *filter, *mask);
  if (picked < 0) return NothingAllowed(mask->num_allowed, has_bans_ ? "bad_words" : "logit_bias");
  return picked;
}

// False when too few candidates pass, so that other tokens may belong to the best.
bool RowPicker::KeepAllowed(GrammarFilter* filter) {
  std::size_t kept = 0;
  for (const Candidate& candidate : candidates_) {
    if (!filter->Allows(candidate.token)) continue;
    candidates_[kept++] = candidate;
    if (kept == limit_) break;
  }
  candidates_.resize(kept);
  return kept == limit_;
}

// Where many tokens are allowed, enough of them are among some more of the best, which saves a copy
// of the row. False when they are not.
bool RowPicker::TopAllowed(const RowScan& row, const std::vector<Edit>& edits,
                           const GrammarFilter& filter, const grammar::TokenMask& mask) {
  const std::size_t size = static_cast<std::size_t>(vocab_.size());
  if (limit_ == 0 || edits.size() > kMaxMerged || mask.num_allowed <= size / kSparseShare)
    return false;
  const std::size_t count = 2 * limit_ * (size / mask.num_allowed + 1) + kSpare;
  if (count > size / kSparseShare) return false;
  TopEdited(row, edits, count);
  std::size_t kept = 0;
  for (const Candidate& candidate : candidates_) {
    const bool is_end = vocab_.IsEnd(candidate.token);
    if (is_end ? !filter.CanEnd() : !mask.Contains(candidate.token)) continue;
    candidates_[kept++] = candidate;
    if (kept == limit_) break;
  }
  candidates_.resize(kept);
  return kept == limit_;
}

Token RowPicker::PickMasked(const float* logits, const std::vector<Edit>& edits,
                            const GrammarFilter& filter, const grammar::TokenMask& mask) {
  const std::size_t size = static_cast<std::size_t>(vocab_.size());
  if (mask.num_allowed <= size / kSparseShare) {
    ListMasked(logits, mask, &candidates_);
    for (const Token end : vocab_.end_tokens()) {
      if (filter.CanEnd()) candidates_.push_back({end, logits[end], 0});
    }
    Apply(edits, &candidates_);
    std::sort(candidates_.begin(), candidates_.end(),
              [](const Candidate& a, const Candidate& b) { return a.token < b.token; });
    return PickFromList(false);
  }
  Copy& copy = RowCopy();
  CopyMasked(logits, mask, size, &copy.values);
  for (const Token end : vocab_.end_tokens()) {
    if (filter.CanEnd()) copy.values[static_cast<std::size_t>(end)] = logits[end];
  }
  Apply(edits, &copy.values);
  return PickFromRow(copy.Read());
}

// Takes as many extra top tokens as there are edits: the best unedited tokens are among them.
void RowPicker::TopEdited(const RowScan& row, const std::vector<Edit>& edits, std::size_t count) {
  row.Top(count + edits.size(), &candidates_);
  candidates_.erase(
      std::remove_if(candidates_.begin(), candidates_.end(),
                     [&](const Candidate& c) { return EditOf(c.token, edits) != nullptr; }),
      candidates_.end());
  for (const Edit& edit : edits) {
    if (edit.logit != -INFINITY) candidates_.push_back({edit.token, edit.logit, 0});
  }
  KeepTop(count, &candidates_);
}

Token RowPicker::PickFromRow(const RowScan& row) {
  if (row.max() == -INFINITY) return -1;
  const bool keeps_all = limit_ == 0 && params_.top_p >= 1.0f && params_.min_p <= 0.0f;
  if (keeps_all) return DrawFromRow(row);
  if (limit_ > 0) {
    row.Top(limit_, &candidates_);
    return PickFromList(true);
  }
  if (params_.top_p >= 1.0f) {
    row.AtLeast(row.max() + std::log(params_.min_p), &candidates_);
    return PickFromList(false);
  }
  KeepNucleus(row);
  return DrawFromList();
}

// Fills candidates_ with all tokens of the row that top_p and min_p keep.
void RowPicker::KeepNucleus(const RowScan& row) {
  const auto mass = static_cast<float>(row.SumExp(1.0f));
  if (params_.min_p > 0.0f) {  // the smaller set: min_p first
    row.AtLeast(row.max() + std::log(params_.min_p), &candidates_);
    KeepTop(0, &candidates_);
    KeepTopP(params_.top_p, mass, &candidates_);
    return;
  }
  for (std::size_t count = kFirstNucleus;; count *= 64) {
    row.Top(count, &candidates_);
    if (KeepTopP(params_.top_p, mass, &candidates_)) return;
    if (count >= row.size()) return;
  }
}

// candidates_ holds all tokens that may be chosen or, with a limit, at least the best of them.
Token RowPicker::PickFromList(bool is_sorted) {
  if (candidates_.empty()) return -1;
  const bool sorts = limit_ > 0 || params_.top_p < 1.0f;
  if (sorts && !is_sorted) KeepTop(limit_, &candidates_);
  if (params_.temperature == 0.0f) return candidates_.front().token;
  if (params_.top_p < 1.0f) KeepTopP(params_.top_p, 0, &candidates_);
  if (params_.min_p > 0.0f) KeepMinP(params_.min_p, &candidates_);
  return DrawFromList();
}

Token RowPicker::DrawFromList() {
  Heat(params_, &candidates_);
  const double sum = Weigh(&candidates_);
  return Find(candidates_, sum * DrawUniform(&random_));
}

Token RowPicker::DrawFromRow(const RowScan& row) {
  candidates_.clear();
  thread_local std::vector<double> sums;
  const float scale = 1.0f / params_.temperature;
  const double sum = row.SumExp(scale, &sums);
  return row.Find(sum * DrawUniform(&random_), scale, sums);
}

}  // namespace sentiric::sampling
