// SPDX-License-Identifier: AGPL-3.0-only
#include "backend/template/bounded_builtins.h"

#include <cstddef>
#include <cstdint>

#include "backend/template/json_writer.h"
#include "backend/template/value_extent.h"

namespace sentiric::backend {
namespace {

using jinja::value;

value Split(const Arguments& arguments) {
  const std::string delimiter = arguments.size() > 1 ? arguments[1]->as_string().str() : " ";
  if (delimiter.empty()) return nullptr;
  std::int64_t splits = arguments.size() > 2 ? arguments[2]->as_int() : -1;
  const std::string text = arguments[0]->val_str.str();
  auto pieces = jinja::mk_val<jinja::value_array>();
  std::size_t begin = 0;
  for (std::size_t end = text.find(delimiter); end != std::string::npos && splits != 0;
       end = text.find(delimiter, begin)) {
    pieces->push_back(jinja::mk_val<jinja::value_string>(text.substr(begin, end - begin)));
    begin = end + delimiter.size();
    --splits;
  }
  auto rest = jinja::mk_val<jinja::value_string>(text.substr(begin));
  rest->val_str.mark_input_based_on(arguments[0]->val_str);
  pieces->push_back(value(rest));
  return pieces;
}

value Replace(const Arguments& arguments) {
  if (!IsText(arguments[1]) || !IsText(arguments[2])) return nullptr;
  if (arguments.size() > 3 && arguments[3]->as_int() > 0) return nullptr;
  const std::string text = arguments[0]->as_string().str();
  const std::string from = arguments[1]->val_str.str();
  const std::string to = arguments[2]->val_str.str();
  if (from.empty()) return nullptr;  // the engine is linear here
  std::string result;
  std::size_t begin = 0;
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, begin)) {
    result.append(text, begin, at - begin).append(to);
    begin = at + from.size();
  }
  result.append(text, begin);
  auto replaced = jinja::mk_val<jinja::value_string>(result);
  replaced->val_str.mark_input_based_on(arguments[0]->val_str);
  return replaced;
}

}  // namespace

value RunBounded(const std::string& name, const Arguments& arguments) {
  if (arguments.empty()) return nullptr;
  if (name == "tojson") return ToJson(arguments);
  if (IsNumber(arguments[0]) && (name == "string" || name == "safe")) {
    return jinja::mk_val<jinja::value_string>(NumberText(*arguments[0]));
  }
  if (!IsText(arguments[0])) return nullptr;
  if (name == "split" && arguments.size() <= 3) return Split(arguments);
  if (name == "replace" && arguments.size() >= 3) return Replace(arguments);
  return nullptr;
}

}  // namespace sentiric::backend
