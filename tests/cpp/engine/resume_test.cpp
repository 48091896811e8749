// SPDX-License-Identifier: AGPL-3.0-only
// Wherever a run of a request is cut off, a run in another engine continues it with the same tokens
// and text, and ends it in the same way.
#include "check.h"
#include "core/scheduling/stop_rules.h"
#include "core/text/text_stream.h"
#include "stepper.h"
#include "vocab_fakes.h"

using namespace sentiric;
using namespace sentiric::testing;

namespace {

// A kind of engine and a request.
struct Case {
  FakeModel model;
  Request request;
  bool is_greedy = false;  // GreedySampler instead of the real one
  bool has_control = false;
};

struct Answer {
  std::string text;
  std::vector<Token> tokens;
  std::size_t num_logprobs = 0;
  TruncationReport truncation;
  bool has_first = false;         // an event claimed to be the first
  std::vector<std::size_t> ends;  // of its events, in tokens
  std::optional<Final> final;
  EngineStats stats;
};

std::unique_ptr<LocalEngine> Open(const Case& c) {
  EngineParts parts;
  parts.decoder = std::make_unique<FakeDecoder>(c.model);
  parts.samplers = std::make_shared<VocabFactory>(c.has_control);
  if (c.is_greedy) parts.samplers = std::make_shared<GreedyFactory>();
  parts.prompts = std::make_shared<GrammarPrompts>(c.model.keep);
  parts.preparation = std::make_unique<InlinePool>();
  parts.info.num_vocab = kVocab;
  parts.info.context_size = c.model.context_size;
  LoopOptions options;
  options.prefix.is_exact = c.model.rounds;
  LoopConfig config = ConfigOf(options);
  config.scheduler.mixes_rows = c.model.mixes_rows;
  return std::make_unique<LocalEngine>(std::move(parts), config, 64);
}

void Add(const Event& event, Answer* answer) {
  answer->text += event.text;
  answer->tokens.insert(answer->tokens.end(), event.tokens.begin(), event.tokens.end());
  answer->num_logprobs += event.logprobs.size();
  answer->truncation = event.truncation;
  answer->has_first = answer->has_first || event.is_first;
  answer->ends.push_back(answer->tokens.size());
  if (event.final) answer->final = event.final;
}

// The answers to requests that run together in a new engine.
std::vector<Answer> Ask(const Case& c, const std::vector<Request>& requests) {
  auto engine = Open(c);
  std::map<RequestId, std::size_t> index_of;
  std::vector<Answer> answers(requests.size());
  for (const Request& request : requests) {
    const std::size_t index = index_of.size();
    index_of[*engine->Submit(request)] = index;
  }
  const auto is_over = [](const Answer& answer) { return answer.final.has_value(); };
  const auto give_up = Clock::now() + std::chrono::seconds(10);
  while (!std::all_of(answers.begin(), answers.end(), is_over) && Clock::now() < give_up) {
    std::vector<Event> events;
    engine->WaitEvents(&events, std::chrono::milliseconds(100));
    for (const Event& event : events) Add(event, &answers[index_of.at(event.request)]);
  }
  for (Answer& answer : answers) answer.stats = engine->stats();
  return answers;
}

Answer Ask(const Case& c, const Request& request) { return Ask(c, std::vector{request}).front(); }

Request Resumed(Request request, const std::vector<Token>& tokens, std::size_t count) {
  request.delivered.assign(tokens.begin(), tokens.begin() + static_cast<std::ptrdiff_t>(count));
  return request;
}

// The text that a run has sent with these tokens.
std::string SentWith(const Case& c, const std::vector<Token>& tokens) {
  const auto vocab = SmallVocab(c.has_control);
  const sampling::VocabView view(vocab.get(), c.request);
  TextStream stream{StopSearch(StopRulesOf(c.request))};
  std::string text;
  for (const Token token : tokens) {
    text += c.is_greedy ? stream.Append(std::string(1, static_cast<char>('0' + token)))
                        : stream.Append(view.Piece(token));
  }
  return text;
}

void ExpectContinues(const Case& c, const Answer& whole, std::size_t cut, const Answer& rest) {
  ASSERT(rest.final.has_value());
  const auto first = whole.tokens.begin() + static_cast<std::ptrdiff_t>(cut);
  EXPECT(rest.tokens == std::vector<Token>(first, whole.tokens.end()));
  EXPECT_EQ(SentWith(c, {whole.tokens.begin(), first}) + rest.text, whole.text);
  EXPECT(!rest.final->error.has_value());
  EXPECT_EQ(rest.final->finish_reason, whole.final->finish_reason);
  EXPECT(rest.final->stop_string == whole.final->stop_string);
  EXPECT_EQ(rest.final->prompt_tokens, whole.final->prompt_tokens);
  EXPECT_EQ(rest.final->completion_tokens, whole.final->completion_tokens);
  EXPECT_EQ(rest.final->thought_tokens, whole.final->thought_tokens);
  EXPECT_EQ(rest.final->thinking_ended, whole.final->thinking_ended);
  EXPECT_EQ(static_cast<std::size_t>(rest.final->timings.predicted_n), rest.tokens.size());
  EXPECT_EQ(rest.truncation.shifted_tokens, whole.truncation.shifted_tokens);
  EXPECT_EQ(rest.num_logprobs, whole.num_logprobs == 0 ? 0 : rest.tokens.size());
  EXPECT_EQ(rest.has_first, cut == 0);
}

// Cuts the run behind every token but the last. Returns the whole answer.
Answer ExpectResumesAnywhere(const Case& c) {
  Answer whole = Ask(c, c.request);
  EXPECT(whole.tokens.size() > 10);
  for (std::size_t cut = 0; cut < whole.tokens.size(); ++cut) {
    ExpectContinues(c, whole, cut, Ask(c, Resumed(c.request, whole.tokens, cut)));
  }
  return whole;
}

// Never the tokens that the decoder does not bear.
Request Sampled(std::uint32_t seed, std::int32_t max_tokens) {
  Request request = TokenRequest(RandomPrompt(9, seed), max_tokens);
  request.sampling.seed = seed + 1;
  request.sampling.logit_bias = {{kNan, -100.0f}, {kPoison, -100.0f}};
  request.ignore_eos = true;
  return request;
}

Case Plain(std::uint32_t seed = 1, std::int32_t max_tokens = 40) {
  Case c;
  c.request = Sampled(seed, max_tokens);
  return c;
}

// Letters in halves, and keys that leave no choice.
Case Constrained(std::uint32_t seed) {
  Case c = Plain(seed, 60);
  c.request.ignore_eos = false;
  c.request.grammar = {
      GrammarSpec::Kind::kGbnf,
      R"(root ::= "{" ("\"name\":" [a-eış€]{1,3} "," | "\"size\":" [0-4]{2} "]"){2,5} "}")"};
  return c;
}

// Thoughts begin and end with control tokens, which are text.
Case Thinking(std::uint32_t seed, std::int32_t limit) {
  Case c = Plain(seed, 60);
  c.has_control = true;
  c.request.shown_tokens = {"<t>", "</t>", "<no token>"};
  c.request.thinking = ThinkingLimit{"<t>", "</t>", "\n</t>[]", limit, seed % 2 == 1};
  c.request.sampling.logit_bias.emplace_back(kOpen, 2.0f);
  return c;
}

Case Forcing(std::uint32_t seed, std::int32_t max_tokens) {
  Case c;
  c.is_greedy = true;
  c.request = TokenRequest(RandomPrompt(6, seed), max_tokens);
  c.request.grammar.kind = GrammarSpec::Kind::kJsonObject;
  return c;
}

Error Refusal(const Case& c, std::vector<Token> delivered) {
  Request request = c.request;
  request.delivered = std::move(delivered);
  const Answer answer = Ask(c, request);
  EXPECT(answer.tokens.empty() && answer.text.empty());
  return answer.final && answer.final->error ? *answer.final->error : Error{};
}

}  // namespace

TEST(Resume, WithTheSameRandomNumbers) {
  for (std::uint32_t seed = 0; seed < 4; ++seed) {
    Case c = Plain(seed);
    ExpectResumesAnywhere(c);
    c.request.sampling.top_k = 0;
    c.request.sampling.top_p = 1;
    c.request.sampling.min_p = 0;
    ExpectResumesAnywhere(c);
    c.request.sampling.top_k = 12;
    c.request.sampling.dynatemp_range = 0.5f;
    c.request.sampling.temperature = 1.3f;
    ExpectResumesAnywhere(c);
  }
}

TEST(Resume, WithPenaltiesForWhatWasSaid) {
  Case c = Plain(5, 60);
  c.request.sampling.repeat_penalty = 1.8f;
  c.request.sampling.presence_penalty = 1.0f;
  c.request.sampling.frequency_penalty = 0.5f;
  for (const std::int32_t memory : {3, 20, 200}) {
    c.request.sampling.repeat_last_n = memory;
    ExpectResumesAnywhere(c);
    c.request.sampling.temperature = 0;
    ExpectResumesAnywhere(c);
    c.request.sampling.temperature = 0.9f;
  }
}

TEST(Resume, WithTheSameLogprobs) {
  Case c = Plain();
  c.request.sampling.top_logprobs = 2;
  EXPECT(ExpectResumesAnywhere(c).num_logprobs > 0);
}

TEST(Resume, InsideCharacters) {
  Case c = Plain(2, 40);
  for (const Token half : {18, 19, 20, 21, 22, 23, 24}) {
    c.request.sampling.logit_bias.emplace_back(half, 3.0f);
  }
  const Answer whole = ExpectResumesAnywhere(c);
  EXPECT(whole.text.find("\xC4\xB1") != std::string::npos ||
         whole.text.find("\xC5\x9F") != std::string::npos);
}

TEST(Resume, InsideWhatMayBecomeAStopString) {
  const std::string text = Ask(Plain(), Plain().request).text;
  int num_stopped = 0;
  for (std::size_t at = 10; at + 5 < text.size(); at += 3) {
    Case c = Plain();
    c.request.stop = {text.substr(at, 5), text.substr(at - 6, 3) + "never"};
    const Answer whole = Ask(c, c.request);
    if (whole.tokens.size() <= 10) continue;
    ExpectResumesAnywhere(c);
    num_stopped += whole.final->finish_reason == FinishReason::kStop ? 1 : 0;
  }
  EXPECT(num_stopped > 5);
}

TEST(Resume, InsideAGrammar) {
  std::uint64_t num_jumped = 0;
  int num_ended = 0;
  for (std::uint32_t seed = 0; seed < 6; ++seed) {
    Case c = Constrained(seed);
    const Answer whole = Ask(c, c.request);
    if (whole.tokens.size() <= 10) continue;
    ExpectResumesAnywhere(c);
    num_jumped += whole.stats.jumped_tokens;
    num_ended += whole.final->finish_reason == FinishReason::kStop ? 1 : 0;
    c.request.sampling.temperature = 0;
    c.request.max_tokens = 33;
    ExpectResumesAnywhere(c);
    c.model.rounds = true;
    ExpectResumesAnywhere(c);
  }
  EXPECT(num_jumped > 20);
  EXPECT(num_ended > 0);
}

TEST(Resume, AmongForcedTokensOfWhichTheRestIsNew) {
  int num_inside = 0;
  for (const bool rounds : {false, true}) {
    Case c = Forcing(1, 40);
    c.model.rounds = rounds;
    const Answer whole = ExpectResumesAnywhere(c);
    EXPECT(whole.stats.jumped_tokens > 5);
    num_inside += static_cast<int>(whole.tokens.size() - whole.ends.size());
    for (std::int32_t limit = 11; limit < 40; limit += 3) {
      c.request.max_tokens = limit;
      ExpectResumesAnywhere(c);
    }
    c.request.max_tokens = 40;
    c.request.stop = {whole.text.substr(20, 2)};
    ExpectResumesAnywhere(c);
  }
  EXPECT(num_inside > 10);
}

TEST(Resume, InsideThoughtsAndWhatClosesThem) {
  int num_ended = 0;
  std::uint64_t num_jumped = 0;
  for (std::uint32_t seed = 0; seed < 8; ++seed) {
    Case c = Thinking(seed, static_cast<std::int32_t>(seed % 4) * 3);
    const Answer whole = ExpectResumesAnywhere(c);
    num_ended += whole.final->thinking_ended ? 1 : 0;
    num_jumped += whole.stats.jumped_tokens;
    EXPECT(whole.final->thought_tokens <= c.request.thinking->max_tokens);
    c.request.sampling.top_logprobs = 1;
    EXPECT_EQ(ExpectResumesAnywhere(c).text, whole.text);
  }
  EXPECT(num_ended > 5);
  EXPECT(num_jumped > 10);
}

TEST(Resume, InsideThoughtsOfAGrammar) {
  int num_ended = 0;
  for (std::uint32_t seed = 0; seed < 6; ++seed) {
    Case c = Thinking(seed, 5);
    c.request.ignore_eos = false;
    c.request.thinking->is_open = false;
    c.request.grammar = {GrammarSpec::Kind::kStructure,
                         R"({"sequence":[{"text":"<t>"},{"free":["</t>"]},{"text":"</t>[]"},)"
                         R"({"regex":"[a-e]{4,9}"},{"text":"\"name\":"},{"regex":"[0-4]{3,9}"}]})"};
    const Answer whole = ExpectResumesAnywhere(c);
    EXPECT_EQ(whole.tokens.front(), kOpen);
    num_ended += whole.final->thinking_ended ? 1 : 0;
  }
  EXPECT(num_ended > 3);
}

TEST(Resume, BeforeTheEndOfARepetition) {
  Case c = Plain(1, 400);
  c.model.context_size = 512;
  c.request.repetition_limit = 24;
  for (const Token often : {30, 31}) c.request.sampling.logit_bias.emplace_back(often, 100.0f);
  c.request.sampling.temperature = 0;
  c.request.sampling.repeat_penalty = 1;
  const Answer whole = ExpectResumesAnywhere(c);
  EXPECT_EQ(whole.final->finish_reason, FinishReason::kRepetition);
  EXPECT_EQ(whole.stats.repetitions, 1u);
}

TEST(Resume, BehindShiftsOfAFullContext) {
  for (const bool rounds : {false, true}) {
    for (const std::int32_t keep : {4, 60}) {
      for (Case c : {Forcing(2, 150), Plain(3, 150)}) {
        c.model.rounds = rounds;
        c.model.keep = keep;
        const Answer whole = ExpectResumesAnywhere(c);
        EXPECT(whole.truncation.shifted_tokens > 40);
      }
    }
  }
}

TEST(Resume, WithoutShiftNothingIsLeftOfAFullContext) {
  Case c = Plain(4, 150);
  c.request.shift = false;
  const Answer whole = ExpectResumesAnywhere(c);
  EXPECT_EQ(whole.tokens.size(), 64u - 9 + 1);
  // All was sent except how it ended.
  const Answer rest = Ask(c, Resumed(c.request, whole.tokens, whole.tokens.size()));
  EXPECT(rest.tokens.empty());
  EXPECT_EQ(rest.final->finish_reason, FinishReason::kLength);
  EXPECT_EQ(rest.final->completion_tokens, whole.final->completion_tokens);
  std::vector<Token> more = whole.tokens;
  more.push_back(40);
  EXPECT_EQ(Refusal(c, more).what, "the answer had ended: its context was full");
}

TEST(Resume, DraftsChangeNothing) {
  Case c = Plain(6, 100);
  c.model.context_size = 512;
  c.request.sampling.top_k = 2;
  for (const Token often : {30, 31}) c.request.sampling.logit_bias.emplace_back(often, 50.0f);
  const Answer whole = Ask(c, c.request);
  c.model.max_draft = 15;
  std::uint64_t num_drafted = 0;
  for (std::size_t cut = 0; cut < whole.tokens.size(); ++cut) {
    const Answer rest = Ask(c, Resumed(c.request, whole.tokens, cut));
    ExpectContinues(c, whole, cut, rest);
    num_drafted += rest.stats.drafted_tokens;
  }
  EXPECT(num_drafted > 100);
}

TEST(Resume, DraftsStopWhereAThoughtIsClosed) {
  std::uint64_t num_accepted = 0;
  for (std::uint32_t seed = 0; seed < 4; ++seed) {
    Case c = Thinking(seed, 40);
    c.model.context_size = 512;
    c.request.max_tokens = 100;
    c.request.thinking->is_open = true;
    c.request.sampling.top_k = 2;
    for (const Token often : {30, 31}) c.request.sampling.logit_bias.emplace_back(often, 50.0f);
    const Answer whole = Ask(c, c.request);
    EXPECT(whole.final->thinking_ended);
    EXPECT_EQ(whole.final->thought_tokens, 40);
    c.model.max_draft = 15;
    const Answer drafted = Ask(c, c.request);
    EXPECT(drafted.tokens == whole.tokens);
    num_accepted += drafted.stats.accepted_draft_tokens;
    ExpectContinues(c, whole, 41, Ask(c, Resumed(c.request, whole.tokens, 41)));
  }
  EXPECT(num_accepted > 10);
}

TEST(Resume, AmongNeighboursThatTakeItsRoom) {
  Case c = Forcing(0, 40);
  c.model.contexts = 6;
  c.model.rounds = true;
  std::vector<Request> requests;
  std::vector<Answer> wholes;
  for (std::uint32_t i = 0; i < 6; ++i) {
    const Request request = Forcing(i, 40).request;
    wholes.push_back(Ask(c, request));
    requests.push_back(Resumed(request, wholes.back().tokens, i * 6));
  }
  for (const bool rounds : {true, false}) {
    for (const std::int32_t cells : {120, 70}) {
      c.model.cells = cells;
      if (!rounds) c.model.rounds = false;
      std::vector<Answer> expected = wholes;
      for (std::size_t i = 0; i < 6 && !rounds; ++i) {
        expected[i] = Ask(c, Forcing(static_cast<std::uint32_t>(i), 40).request);
        requests[i] = Resumed(requests[i], expected[i].tokens, i * 6);
      }
      const std::vector<Answer> answers = Ask(c, requests);
      for (std::size_t i = 0; i < 6; ++i) ExpectContinues(c, expected[i], i * 6, answers[i]);
      EXPECT(answers[0].stats.preemptions > 0);
    }
  }
}

TEST(Resume, ALongAnswerIsComputedAgainInRunsWhereThatChangesNoBit) {
  Case c = Plain(7, 1000);
  c.model.context_size = 4096;
  for (const bool rounds : {false, true}) {
    c.model.rounds = rounds;
    const Answer whole = Ask(c, c.request);
    const Answer rest = Ask(c, Resumed(c.request, whole.tokens, 990));
    ExpectContinues(c, whole, 990, rest);
    EXPECT_EQ(rest.stats.decode_calls < 40, !rounds);
    EXPECT_EQ(rest.stats.generated_tokens, 10u);
    c.model.max_batch = 24;
    ExpectContinues(c, whole, 990, Ask(c, Resumed(c.request, whole.tokens, 990)));
    c.model.max_batch = 512;
  }
}

TEST(Resume, CreditCountsWhatWasDelivered) {
  FakeModel model;
  model.context_size = 512;
  const Request request = TokenRequest(RandomPrompt(8, 3), 200);
  Stepper first(model);
  const RequestId whole = first.Add(request);
  ASSERT(first.Finish());
  Stepper second(model);
  const RequestId id = second.Add(Resumed(request, first.outcomes[whole].tokens, 100));
  second.Grant(id, 40);
  for (int i = 0; i < 200; ++i) second.Step();
  EXPECT_EQ(second.stats().generated_tokens, 0u);
  EXPECT_EQ(second.stats().kv_tokens, 8 + 100 - 1);  // ready for its reader
  EXPECT(second.only_waits());
  second.Grant(id, 105);
  for (int i = 0; i < 50; ++i) second.Step();
  EXPECT_EQ(second.stats().generated_tokens, 5u);
  second.Grant(id, 1000);
  EXPECT(second.Finish());
  EXPECT_EQ(second.outcomes[id].text, first.outcomes[whole].text.substr(100));
}

TEST(Resume, WhatDoesNotBelongToTheRequestIsRefused) {
  Case c = Plain();
  const std::vector<Token> tokens = Ask(c, c.request).tokens;
  c.request.ignore_eos = false;
  EXPECT_EQ(Refusal(c, {tokens[0], kEnd}).what, "the answer had ended");
  c.request.stop = {"ab"};
  EXPECT_EQ(Refusal(c, {30, 31}).what, "the answer had ended");
  EXPECT_EQ(Refusal(c, {30, 31}).where, "delivered");
  c.request.stop = {};
  EXPECT_EQ(Refusal(Constrained(1), {30}).what, "the grammar does not allow these tokens");
  const Error other = Refusal(Constrained(1), {4, 10, 13, 38, 30});
  EXPECT_EQ(other.code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(other.where, "delivered");
}

TEST(Resume, ARefusalDisturbsNobody) {
  const Case c = Plain();
  Request wrong = c.request;
  wrong.delivered = {30, kEnd};
  wrong.ignore_eos = false;
  const std::vector<Answer> answers = Ask(c, {wrong, c.request, wrong});
  EXPECT(answers[0].final->error && answers[2].final->error);
  EXPECT_EQ(answers[0].final->completion_tokens, 2);
  EXPECT_EQ(answers[1].text, Ask(c, c.request).text);
  EXPECT_EQ(answers[1].stats.requests_failed, 2u);
}

TEST(Resume, TooMuchIsRefusedAtOnce) {
  const Case c = Plain(1, 3);
  auto engine = Open(c);
  for (const std::vector<Token>& delivered :
       {std::vector<Token>{30, 31, 32}, std::vector<Token>{kVocab}, std::vector<Token>{-1}}) {
    Request request = c.request;
    request.delivered = delivered;
    const auto refused = engine->Submit(request);
    ASSERT(!refused.ok());
    EXPECT_EQ(refused.error().code, ErrorCode::kInvalidArgument);
  }
}
