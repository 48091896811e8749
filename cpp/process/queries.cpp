// SPDX-License-Identifier: AGPL-3.0-only
#include "process/queries.h"

#include <map>
#include <utility>

#include "process/base64.h"

namespace sentiric::process {
namespace {

using IsLeft = std::function<bool()>;

Json Failed(const Error& error) { return {{"failure", ToJson(error)}}; }

Json Tokens(const Result<std::vector<Token>>& tokens) {
  if (!tokens) return Failed(tokens.error());
  return {{"tokens", Base64(tokens->data(), tokens->size() * sizeof(Token))}};
}

Json Text(const Result<std::string>& text) {
  if (!text) return Failed(text.error());
  return {{"text", *text}};
}

Json Render(const Json& command, Engine* engine) {
  return Text(
      engine->RenderChat(ConversationOf(command), command.at("add_generation_prompt").get<bool>()));
}

Json TokenizeChat(const Json& command, Engine* engine) {
  return Tokens(engine->TokenizeChat(ConversationOf(command),
                                     command.at("add_generation_prompt").get<bool>()));
}

Json DescribeChat(const Json& command, Engine* engine) {
  const auto found = engine->DescribeChat(RequestOf(command.at("request")));
  if (!found) return Failed(found.error());
  const std::vector<Token>& tokens = found->tokens;
  return {{"text", found->text},
          {"tokens", Base64(tokens.data(), tokens.size() * sizeof(Token))},
          {"begins", found->message_begins},
          {"cached", found->cached_tokens}};
}

Json Tokenize(const Json& command, Engine* engine) {
  return Tokens(engine->Tokenize(command.at("text").get<std::string>(),
                                 command.at("add_special").get<bool>(),
                                 command.at("parse_special").get<bool>()));
}

Json Detokenize(const Json& command, Engine* engine) {
  const std::vector<Token> tokens = TokensOf(command.at("tokens"));
  if (!command.at("as_pieces").get<bool>()) {
    return Text(engine->Detokenize(tokens, command.at("show_special").get<bool>()));
  }
  const auto pieces = engine->TokenPieces(tokens);
  if (!pieces) return Failed(pieces.error());
  Json found = Json::array();
  for (const std::string& piece : *pieces) found.push_back(Base64(piece.data(), piece.size()));
  return {{"pieces", std::move(found)}};
}

// A row for each text, then one for each list of tokens.
Json Embed(const Json& command, Engine* engine, const IsLeft& is_left) {
  std::vector<std::vector<Token>> inputs;
  for (const Json& text : command.at("texts")) {
    auto tokens = engine->Tokenize(text.get<std::string>(), /*add_special=*/true, false);
    if (!tokens) return Failed(tokens.error());
    inputs.push_back(*std::move(tokens));
  }
  for (const Json& tokens : command.at("prompts")) inputs.push_back(TokensOf(tokens));
  std::vector<float> rows;
  for (const std::vector<Token>& tokens : inputs) {
    if (is_left()) return Failed({ErrorCode::kCancelled, "request", "the call was cancelled"});
    const auto row = engine->Embed(tokens);
    if (!row) return Failed(row.error());
    rows.insert(rows.end(), row->begin(), row->end());
  }
  return {{"rows", {engine->info().num_embd, Base64(rows.data(), rows.size() * sizeof(float))}}};
}

Json Plan(const Json& command) {
  const Result<MemoryPlan> plan = PlanMemory(ConfigOf(command.at("config")));
  return plan ? Json{{"plan", ToJson(*plan)}} : Failed(plan.error());
}

Json Devices() {
  const Result<std::vector<Device>> devices = ListDevices();
  if (!devices) return Failed(devices.error());
  Json found = Json::array();
  for (const Device& device : *devices) found.push_back(ToJson(device));
  return {{"devices", std::move(found)}};
}

}  // namespace

Json AnswerQuery(const Json& command, Engine* engine, const IsLeft& is_left) {
  using Query = std::function<Json(const Json&, Engine*)>;
  static const std::map<std::string, Query> kOfEngine = {{"render", Render},
                                                         {"tokenize_chat", TokenizeChat},
                                                         {"describe_chat", DescribeChat},
                                                         {"tokenize", Tokenize},
                                                         {"detokenize", Detokenize}};
  const auto kind = command.at("kind").get<std::string>();
  if (kind == "plan_memory") return Plan(command);
  if (kind == "list_devices") return Devices();
  if (engine == nullptr) {
    return Failed({ErrorCode::kUnavailable, "engine", "no model is open"});
  }
  if (kind == "embed") return Embed(command, engine, is_left);
  return kOfEngine.at(kind)(command, engine);
}

const Error* FailureOf(const Event& event) {
  static const Error kCancelled{ErrorCode::kCancelled, "request", "the request was cancelled"};
  if (!event.final) return nullptr;
  if (event.final->error) return &*event.final->error;
  return event.final->finish_reason == FinishReason::kCancelled ? &kCancelled : nullptr;
}

}  // namespace sentiric::process
