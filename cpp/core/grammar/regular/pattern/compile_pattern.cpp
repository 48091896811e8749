// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/regular/pattern/compile_pattern.h"

#include <utility>
#include <vector>

#include "core/grammar/regular/dfa_algebra.h"
#include "core/grammar/regular/pattern/look_around.h"
#include "core/grammar/regular/pattern/pattern_nfa.h"
#include "core/grammar/regular/pattern/pattern_parser.h"
#include "core/grammar/regular/pattern/pattern_window.h"

namespace sentiric::grammar {
namespace {

// What one alternative matches, without its look-around.
Result<TextSet> CompileNode(PatternNodeId root, Extent extent, Pattern* pattern) {
  const LengthWindow window = TakeWindow(extent, root, pattern);
  PatternNfa nfa(*pattern);
  const NfaState start = nfa.Node(root, nfa.Match());
  Result<Dfa> texts = nfa.Texts(start, extent);
  if (!texts) return texts.error();
  return Simplify({std::move(*texts), window});
}

Result<TextSet> CompileLooking(PatternNodeId root, Extent extent,
                               const std::vector<LookAround>& looks, Pattern* pattern) {
  Result<TextSet> set = CompileNode(root, extent, pattern);
  for (const LookAround& look : looks) {
    if (!set) return set;
    const Result<Dfa> texts = TextsOf(look, *pattern);
    if (!texts) return texts.error();
    set = Intersection(*set, {*texts, {}});
  }
  return set;
}

Result<TextSet> CompileAlternatives(Extent extent, Pattern* pattern) {
  std::vector<PatternNodeId> roots = {pattern->root()};
  const PatternNode& root = pattern->nodes[pattern->root()];
  if (root.kind == PatternNode::Kind::kChoice) roots = root.children;
  std::vector<std::vector<LookAround>> looks;
  for (PatternNodeId id : roots) looks.push_back(TakeLookArounds(extent, id, pattern));
  if (Status error = CheckNoLookAround(*pattern)) return *error;
  if (roots.size() == 1) return CompileLooking(roots[0], extent, looks[0], pattern);
  Dfa texts;
  for (std::size_t i = 0; i < roots.size(); ++i) {
    const Result<TextSet> set = CompileLooking(roots[i], extent, looks[i], pattern);
    if (!set) return set.error();
    const Result<Dfa> spelled = WithoutWindow(*set);
    if (!spelled) return spelled.error();
    Result<Dfa> both = Union(texts, *spelled);
    if (!both) return both.error();
    texts = std::move(*both);
  }
  return TextSet{std::move(texts), {}};
}

Result<TextSet> Compile(std::string_view utf8, Extent extent) {
  Result<Pattern> pattern = ParsePattern(utf8);
  if (!pattern) return pattern.error();
  if (HasLookAround(*pattern)) return CompileAlternatives(extent, &*pattern);
  return CompileNode(pattern->root(), extent, &*pattern);
}

}  // namespace

Result<TextSet> PatternTexts(std::string_view utf8) { return Compile(utf8, Extent::kPart); }

Result<TextSet> RegexTexts(std::string_view utf8) { return Compile(utf8, Extent::kWholeText); }

}  // namespace sentiric::grammar
