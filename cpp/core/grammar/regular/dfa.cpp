// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/regular/dfa.h"

#include <algorithm>
#include <utility>

#include "core/grammar/regular/dfa_builder.h"

namespace sentiric::grammar {

Dfa Dfa::None() {
  static const Dfa none = [] {
    auto table = std::make_shared<Table>();
    table->first_edge = {0, 0};
    table->accepts = {false};
    return Dfa(std::move(table));
  }();
  return none;
}

Dfa Dfa::All() {
  static const Dfa all = [] {
    DfaBuilder builder;
    builder.AddState(true);
    builder.AddEdge(0, {0, kMaxCodePoint}, 0);
    return builder.Build();
  }();
  return all;
}

// A trie: of sorted texts, each shares a beginning with the one before.
Dfa Dfa::Of(const std::vector<std::string>& texts) {
  std::vector<std::vector<CodePoint>> words(texts.size());
  std::size_t num_words = 0;
  for (const std::string& text : texts) {
    if (DecodeAll(text, &words[num_words])) ++num_words;
  }
  words.resize(num_words);
  std::sort(words.begin(), words.end());
  DfaBuilder builder;
  std::vector<DfaState> path = {builder.AddState()};  // of the word before, by length
  std::vector<CodePoint> before;
  for (const std::vector<CodePoint>& word : words) {
    const auto differ = std::mismatch(word.begin(), word.end(), before.begin(), before.end());
    path.resize(static_cast<std::size_t>(differ.first - word.begin()) + 1);
    for (auto c = differ.first; c != word.end(); ++c) {
      path.push_back(builder.AddState());
      builder.AddEdge(path[path.size() - 2], {*c, *c}, path.back());
    }
    builder.SetAccepts(path.back());
    before = word;
  }
  return builder.Build();
}

Dfa Dfa::OfChars(const std::vector<CodeRange>& chars) {
  DfaBuilder builder;
  builder.AddState();
  builder.AddState(true);
  for (CodeRange range : Normalize(chars)) builder.AddEdge(0, range, 1);
  return builder.Build();
}

DfaEdges Dfa::edges(DfaState state) const {
  const DfaEdge* all = table_->edges.data();
  return {all + table_->first_edge[state], all + table_->first_edge[state + 1]};
}

DfaState Dfa::Next(DfaState state, CodePoint c) const {
  if (state == kNoState) return kNoState;
  const DfaEdges all = edges(state);
  const DfaEdge* edge =
      std::lower_bound(all.begin(), all.end(), c,
                       [](const DfaEdge& x, CodePoint value) { return x.range.last < value; });
  return edge != all.end() && edge->range.first <= c ? edge->target : kNoState;
}

bool Dfa::Matches(std::string_view utf8) const {
  DfaState state = start();
  CodePoint c = 0;
  for (std::size_t pos = 0; pos < utf8.size() && state != kNoState;) {
    const int length = DecodeUtf8(utf8, pos, &c);
    if (length == 0) return false;
    pos += static_cast<std::size_t>(length);
    state = Next(state, c);
  }
  return state != kNoState && accepts(state);
}

std::size_t Dfa::ByteSize() const {
  return sizeof(Table) + table_->edges.size() * sizeof(DfaEdge) +
         table_->first_edge.size() * sizeof(std::uint32_t) + table_->accepts.size() / 8;
}

bool operator==(const Dfa& x, const Dfa& y) {
  if (x.table_ == y.table_) return true;
  return x.table_->hash == y.table_->hash && x.table_->accepts == y.table_->accepts &&
         x.table_->first_edge == y.table_->first_edge && x.table_->edges == y.table_->edges;
}

}  // namespace sentiric::grammar
