// SPDX-License-Identifier: AGPL-3.0-only
#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "bindings/bindings.h"
#include "bindings/errors.h"
#include "core/grammar/automaton/matcher.h"
#include "core/grammar/compile.h"
#include "core/grammar/explain/allowed_characters.h"
#include "core/grammar/explain/next_strings.h"
#include "core/grammar/schema/keywords.h"
#include "core/grammar/structure/compile_structure.h"
#include "core/grammar/tokens/token_trie.h"
#include "core/sync/mutex.h"

namespace py = pybind11;

namespace sentiric::bindings {
namespace {

using grammar::Grammar;
using grammar::Matcher;
using grammar::TokenTrie;
using SharedGrammar = std::shared_ptr<const Grammar>;

// One call of the matcher has a budget of steps, so long texts go in pieces.
constexpr std::size_t kPiece = 1024;

void ThrowIfFailed(const Matcher& matcher) {
  if (Status error = matcher.error()) throw ErrorException(std::move(*error));
}

// The number of bytes that may come next, from the start on; all of them if the text is allowed.
std::size_t AdvanceFar(Matcher* matcher, std::string_view text) {
  for (std::size_t at = 0; at < text.size(); at += kPiece) {
    const std::string_view piece = text.substr(at, kPiece);
    if (matcher->Advance(piece)) continue;
    ThrowIfFailed(*matcher);
    std::size_t taken = 0;
    while (matcher->Advance(piece.substr(taken, 1))) ++taken;
    ThrowIfFailed(*matcher);
    return at + taken;
  }
  return text.size();
}

std::vector<int> AllowedBytes(Matcher* matcher) {
  std::vector<int> allowed;
  for (int byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    if (matcher->Accepts({&c, 1})) allowed.push_back(byte);
  }
  ThrowIfFailed(*matcher);
  return allowed;
}

std::vector<std::pair<std::uint32_t, std::uint32_t>> CharacterRanges(Matcher* matcher) {
  std::vector<std::pair<std::uint32_t, std::uint32_t>> ranges;
  for (const grammar::CodeRange range : grammar::AllowedCharacters(matcher))
    ranges.emplace_back(range.first, range.last);
  ThrowIfFailed(*matcher);
  return ranges;
}

// Python's threads may share one; they take turns.
class SharedMatcher {
 public:
  explicit SharedMatcher(SharedGrammar grammar) : matcher_(std::move(grammar)) {}

  template <typename Use>
  auto With(Use use) {
    const py::gil_scoped_release release;
    const MutexLock lock(&mutex_);
    return use(&matcher_);
  }

 private:
  Mutex mutex_;
  Matcher matcher_;
};

py::array_t<std::uint64_t> Mask(SharedMatcher* matcher, const TokenTrie& vocabulary) {
  const std::shared_ptr<const grammar::TokenMask> mask =
      matcher->With([&vocabulary](Matcher* m) { return Unwrap(vocabulary.Allowed(m)); });
  return py::array_t<std::uint64_t>(static_cast<py::ssize_t>(mask->words.size()),
                                    mask->words.data());
}

SharedGrammar CompileKind(GrammarSpec::Kind kind, std::string text) {
  const py::gil_scoped_release release;
  return Unwrap(grammar::Compile({kind, std::move(text)}));
}

void BindGrammarClass(py::module_* m) {
  using Kind = GrammarSpec::Kind;
  py::class_<Grammar, std::shared_ptr<Grammar>>(*m, "Grammar")
      .def_static(
          "gbnf",
          [](std::string text) {
            return std::const_pointer_cast<Grammar>(CompileKind(Kind::kGbnf, std::move(text)));
          },
          py::arg("text"))
      .def_static(
          "json_schema",
          [](std::string text) {
            return std::const_pointer_cast<Grammar>(
                CompileKind(Kind::kJsonSchema, std::move(text)));
          },
          py::arg("text"))
      .def_static(
          "regex",
          [](std::string text) {
            return std::const_pointer_cast<Grammar>(CompileKind(Kind::kRegex, std::move(text)));
          },
          py::arg("text"))
      .def_static(
          "choice",
          [](std::string text) {
            return std::const_pointer_cast<Grammar>(CompileKind(Kind::kChoice, std::move(text)));
          },
          py::arg("text"), "`text` is a JSON array of strings.")
      .def_static(
          "structure",
          [](std::string text) {
            return std::const_pointer_cast<Grammar>(CompileKind(Kind::kStructure, std::move(text)));
          },
          py::arg("text"))
      .def_property_readonly("num_bytes", &Grammar::ByteSize);
}

void BindMatcher(py::module_* m) {
  py::class_<TokenTrie>(*m, "Vocabulary")
      .def(py::init<const std::vector<std::string>&>(), py::arg("token_bytes"))
      .def_property_readonly("num_tokens", &TokenTrie::num_tokens);
  py::class_<SharedMatcher>(*m, "Matcher")
      .def(py::init([](std::shared_ptr<Grammar> grammar) {
             return std::make_unique<SharedMatcher>(std::move(grammar));
           }),
           py::arg("grammar").none(false))
      .def_property_readonly("can_end",
                             [](SharedMatcher& self) {
                               return self.With([](Matcher* matcher) { return matcher->CanEnd(); });
                             })
      .def(
          "advance",
          [](SharedMatcher& self, const py::bytes& text) {
            const std::string_view view = text;
            return self.With([view](Matcher* matcher) { return AdvanceFar(matcher, view); });
          },
          py::arg("text"), "Moves along the text. Returns how many of its bytes are allowed.")
      .def("allowed_bytes", [](SharedMatcher& self) { return self.With(&AllowedBytes); })
      .def(
          "allowed_characters", [](SharedMatcher& self) { return self.With(&CharacterRanges); },
          "First and last code point of each range of characters that may come.")
      .def(
          "strings",
          [](SharedMatcher& self, std::size_t max_strings, bool is_name) {
            const auto spelling = is_name ? grammar::Spelling::kOnly : grammar::Spelling::kUsual;
            return self.With([=](Matcher* matcher) {
              return grammar::NextStrings(*matcher, spelling, max_strings);
            });
          },
          py::arg("max_strings"), py::arg("is_name"),
          "Behind the quote of a JSON string: the strings that may come, or None if there are "
          "many.")
      .def(
          "forced",
          [](SharedMatcher& self, std::size_t max_bytes) {
            return py::bytes(self.With([max_bytes](Matcher* matcher) {
              return matcher->Forced(max_bytes).value_or(std::string());
            }));
          },
          py::arg("max_bytes"))
      .def(
          "shortest_end",
          [](SharedMatcher& self, std::size_t max_states) -> std::optional<py::bytes> {
            const std::optional<std::string> text = self.With(
                [max_states](Matcher* matcher) { return matcher->ShortestEnd(max_states); });
            return text ? std::optional<py::bytes>(*text) : std::nullopt;
          },
          py::arg("max_states"), "The bytes that end the text soonest, if they are found.")
      .def("mask", &Mask, py::arg("vocabulary"), "Bit t of the words, lowest first, is token t.");
}

}  // namespace

void BindGrammar(py::module_* m) {
  BindGrammarClass(m);
  BindMatcher(m);
  m->def("check_structures", &grammar::CheckStructures, py::arg("texts"),
         py::call_guard<py::gil_scoped_release>(),
         "Why each cannot be compiled, or an empty text. All share one budget of work.");
  m->def(
      "schema_keywords",
      [] {
        std::vector<std::pair<std::string, std::string>> keywords;
        for (const grammar::Keyword& keyword : grammar::Keywords())
          keywords.emplace_back(keyword.name, grammar::RoleName(keyword.role));
        return keywords;
      },
      "The table of JSON Schema keywords: their names and what becomes of them.");
  m->def(
      "schema_places",
      [] {
        std::map<std::string, std::vector<std::string>> places;
        for (const grammar::Keyword& keyword : grammar::Keywords()) {
          const grammar::SchemaForms forms = grammar::FormsOf(keyword.form);
          std::vector<std::string>& found = places[std::string(keyword.name)];
          if (forms.one) found.emplace_back("schema");
          if (forms.list) found.emplace_back("list");
          if (forms.map) found.emplace_back("map");
        }
        return places;
      },
      "By keyword, how it holds schemas: as one (schema), in a list, in an object by name (map).");
}

}  // namespace sentiric::bindings
