// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/schema/document.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "core/grammar/schema/keywords.h"

namespace sentiric::grammar {
namespace {

using Kind = JsonValue::Kind;

bool HasScheme(const std::string& uri) {
  const std::size_t colon = uri.find(':');
  return colon != std::string::npos && uri.find_first_of("/?#") > colon;
}

// RFC 3986, section 5.2, without dot segments: what references between schemas use.
std::string ResolveUri(const std::string& base, const std::string& reference) {
  if (reference.empty() || HasScheme(reference)) return reference.empty() ? base : reference;
  if (reference[0] == '/') {
    const std::size_t authority = base.find("://");
    if (authority == std::string::npos) return reference;
    const std::size_t path = base.find('/', authority + 3);
    return base.substr(0, path) + reference;
  }
  const std::size_t directory = base.rfind('/');
  return directory == std::string::npos ? reference : base.substr(0, directory + 1) + reference;
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

std::string PercentDecoded(const std::string& text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const int high = text[i] == '%' && i + 2 < text.size() ? HexDigit(text[i + 1]) : -1;
    const int low = high >= 0 ? HexDigit(text[i + 2]) : -1;
    if (low >= 0) i += 2;
    out.push_back(low >= 0 ? static_cast<char>(high * 16 + low) : text[i]);
  }
  return out;
}

// One step of a JSON pointer (RFC 6901).
const JsonValue* Child(const JsonValue& value, const std::string& token) {
  if (value.Is(Kind::kObject)) return value.Find(token);
  if (!value.Is(Kind::kArray) || token.empty() || token.size() > 9) return nullptr;
  if (token.find_first_not_of("0123456789") != std::string::npos) return nullptr;
  if (token.size() > 1 && token[0] == '0') return nullptr;
  const std::size_t index = std::stoul(token);
  return index < value.items.size() ? &value.items[index] : nullptr;
}

std::string Unescaped(const std::string& token) {
  std::string out;
  for (std::size_t i = 0; i < token.size(); ++i) {
    const bool escape = token[i] == '~' && i + 1 < token.size();
    if (escape) ++i;
    out.push_back(!escape ? token[i] : token[i] == '1' ? '/' : '~');
  }
  return out;
}

const JsonValue* FollowPointer(const JsonValue* value, const std::string& pointer) {
  std::size_t begin = 1;
  while (value != nullptr && begin <= pointer.size()) {
    const std::size_t end = std::min(pointer.find('/', begin), pointer.size());
    value = Child(*value, Unescaped(pointer.substr(begin, end - begin)));
    begin = end + 1;
  }
  return value;
}

std::string Escaped(const std::string& token) {
  std::string out;
  for (char c : token) {
    if (c == '~')
      out += "~0";
    else if (c == '/')
      out += "~1";
    else
      out.push_back(c);
  }
  return out;
}

bool FindPath(const JsonValue& from, const JsonValue* value, std::string* path) {
  if (&from == value) return true;
  const std::size_t size = path->size();
  for (std::size_t i = 0; i < from.items.size(); ++i) {
    *path += "/" + std::to_string(i);
    if (FindPath(from.items[i], value, path)) return true;
    path->resize(size);
  }
  for (const JsonValue::Member& member : from.members) {
    *path += "/" + Escaped(member.first);
    if (FindPath(member.second, value, path)) return true;
    path->resize(size);
  }
  return false;
}

std::string TextOf(const JsonValue& schema, std::string_view keyword) {
  const JsonValue* value = schema.Find(keyword);
  return value != nullptr && value->Is(Kind::kString) ? value->text : std::string();
}

bool IsSchema(const JsonValue& value) { return value.IsBool() || value.Is(Kind::kObject); }

}  // namespace

Result<std::unique_ptr<Document>> Document::Parse(std::string_view text) {
  Result<JsonValue> root = ParseJson(text);
  if (!root) return root.error();
  return Of(*std::move(root), std::make_shared<WorkBudget>());
}

Result<std::unique_ptr<Document>> Document::Of(JsonValue root, std::shared_ptr<WorkBudget> work) {
  if (!IsSchema(root)) {
    return Error{ErrorCode::kInvalidGrammar, "json_schema",
                 "not a schema; got " + std::string(KindName(root.kind)) +
                     ", allowed an object or a boolean"};
  }
  std::unique_ptr<Document> document(new Document(std::move(root), std::move(work)));
  document->resources_[""] = &document->root_;
  document->Visit(&document->root_, "");
  return document;
}

// Recursion is as deep as the JSON text.
void Document::Visit(const JsonValue* schema, std::string base) {
  if (!schema->Is(Kind::kObject) || bases_.count(schema) > 0) return;
  std::string id = TextOf(*schema, "$id");
  // Until draft-07 a $ref hid the $id beside it.
  if (schema != &root_ && !id.empty() && schema->Find("$ref") != nullptr)
    hidden_ids_.insert(schema);
  const std::size_t hash = id.find('#');
  const std::string anchor = hash == std::string::npos ? "" : id.substr(hash + 1);
  id = id.substr(0, hash);
  if (!id.empty()) {
    base = ResolveUri(base, id);
    Name(base, schema, &resources_);
  }
  bases_[schema] = base;
  const std::string dynamic = TextOf(*schema, "$dynamicAnchor");
  if (!dynamic.empty()) ++num_dynamic_anchors_[dynamic];
  for (const std::string& name : {anchor, TextOf(*schema, "$anchor"), dynamic}) {
    if (!name.empty()) Name(base + "#" + name, schema, &anchors_);
  }
  for (const JsonValue::Member& member : schema->members) {
    const Keyword* keyword = FindKeyword(member.first);
    if (keyword == nullptr) continue;
    for (const JsonValue* child : SchemasIn(member.second, keyword->form)) Visit(child, base);
  }
}

void Document::Name(const std::string& name, const JsonValue* schema, Names* names) {
  const auto added = names->emplace(name, schema);
  if (!added.second && added.first->second != schema) ambiguous_.insert(name);
}

const JsonValue* Document::FindResource(const std::string& base) const {
  const auto found = resources_.find(base);
  return found == resources_.end() ? nullptr : found->second;
}

Result<const JsonValue*> Document::Resolve(const JsonValue* from, const std::string& reference,
                                           std::string_view keyword) {
  if (hidden_ids_.count(from) > 0)
    return ErrorAt(from, "$id", "drafts differ in what it means beside $ref; leave it out");
  const std::size_t hash = reference.find('#');
  const std::string uri = reference.substr(0, hash);
  const std::string fragment =
      hash == std::string::npos ? "" : PercentDecoded(reference.substr(hash + 1));
  const std::string base = ResolveUri(bases_[from], uri);
  const JsonValue* resource = FindResource(base);
  if (resource == nullptr) {
    return ErrorAt(
        from, keyword,
        "refers to another document; got " + reference + ", allowed references within this schema");
  }
  const JsonValue* target = resource;
  if (!fragment.empty() && fragment[0] == '/') {
    target = FollowPointer(resource, fragment);
  } else if (!fragment.empty()) {
    const auto found = anchors_.find(base + "#" + fragment);
    target = found == anchors_.end() ? nullptr : found->second;
  }
  if (ambiguous_.count(base) > 0 || ambiguous_.count(base + "#" + fragment) > 0) {
    return ErrorAt(from, keyword,
                   "refers to a name that several schemas have; got " + reference +
                       ", allowed an $id or $anchor that is there once");
  }
  if (target == nullptr) return ErrorAt(from, keyword, "refers to nothing; got " + reference);
  if (!IsSchema(*target)) {
    return ErrorAt(from, keyword,
                   "refers to " + std::string(KindName(target->kind)) + "; got " + reference +
                       ", allowed a schema");
  }
  Visit(target, base);  // one in a place that is none of a schema
  return target;
}

Result<const JsonValue*> Document::ResolveDynamic(const JsonValue* from,
                                                  const std::string& reference) {
  const std::size_t hash = reference.find('#');
  const auto dynamic =
      num_dynamic_anchors_.find(hash == std::string::npos ? reference : reference.substr(hash + 1));
  if (dynamic != num_dynamic_anchors_.end() && dynamic->second > 1) {
    return ErrorAt(from, "$dynamicRef",
                   "depends on the way there; got " + reference +
                       ", which names several schemas, allowed one of that name");
  }
  return Resolve(from, reference, "$dynamicRef");
}

const JsonValue* Document::Make(JsonValue value) {
  made_.push_back(std::move(value));
  return &made_.back();
}

const JsonValue* Document::MakeOf(const JsonValue* origin, JsonValue value) {
  const JsonValue* made = Make(std::move(value));
  std::vector<std::pair<const JsonValue*, std::string>> todo = {{made, bases_[origin]}};
  while (!todo.empty()) {
    auto [inner, base] = std::move(todo.back());
    todo.pop_back();
    const std::string id = TextOf(*inner, "$id");
    const std::string uri = id.substr(0, id.find('#'));
    if (!uri.empty()) base = ResolveUri(base, uri);
    for (const JsonValue& item : inner->items) todo.emplace_back(&item, base);
    for (const JsonValue::Member& member : inner->members) todo.emplace_back(&member.second, base);
    if (inner->Is(Kind::kObject)) bases_[inner] = std::move(base);
  }
  return made;
}

std::string Document::PathOf(const JsonValue* value) const {
  std::string path;
  FindPath(root_, value, &path);
  return path;
}

Error Document::ErrorAt(const JsonValue* schema, std::string_view keyword,
                        const std::string& what) const {
  std::string path = PathOf(schema);
  if (!keyword.empty()) path += "/" + std::string(keyword);
  if (!path.empty()) path.insert(0, ":");
  return Error{ErrorCode::kInvalidGrammar, "json_schema" + path, what};
}

}  // namespace sentiric::grammar
