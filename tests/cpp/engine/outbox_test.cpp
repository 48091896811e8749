// SPDX-License-Identifier: AGPL-3.0-only
#include "engine/outbox.h"

#include <thread>

#include "check.h"

using namespace sentiric;
using namespace std::chrono_literals;

namespace {

Event Tokens(RequestId request, std::vector<Token> tokens, const std::string& text) {
  Event event;
  event.request = request;
  event.tokens = std::move(tokens);
  event.text = text;
  return event;
}

Event First(RequestId request) {
  Event event = Tokens(request, {1}, "a");
  event.is_first = true;
  return event;
}

Event End(RequestId request) {
  Event event = Tokens(request, {9}, "z");
  event.final.emplace();
  return event;
}

std::vector<Event> Take(Outbox* outbox, std::chrono::milliseconds timeout) {
  std::vector<Event> events;
  outbox->Wait(&events, timeout);
  return events;
}

}  // namespace

TEST(Outbox, WithoutAnIntervalEachStepIsAnEvent) {
  Outbox outbox;
  outbox.Put({Tokens(1, {5}, "x")});
  outbox.Put({Tokens(1, {6}, "y")});
  EXPECT_EQ(Take(&outbox, 1h).size(), 2u);
  EXPECT_EQ(outbox.num_batches(), 2u);
}

TEST(Outbox, WithAnIntervalARequestsNewsBecomesOneEvent) {
  Outbox outbox(1h);
  outbox.Put({First(1)});
  EXPECT_EQ(Take(&outbox, 1h).size(), 1u);
  outbox.Put({Tokens(1, {5}, "x"), Tokens(2, {7}, "u")});
  outbox.Put({Tokens(1, {6}, "y")});
  outbox.Put({End(2)});  // an end is delivered at once, with all waiting events
  const std::vector<Event> events = Take(&outbox, 1h);
  ASSERT(events.size() == 2);
  EXPECT(events[0].tokens == (std::vector<Token>{5, 6}));
  EXPECT(events[0].text == "xy" && !events[0].final);
  EXPECT(events[1].tokens == (std::vector<Token>{7, 9}));
  EXPECT(events[1].text == "uz" && events[1].final);
}

TEST(Outbox, TheFirstTokensWaitForNothing) {
  Outbox outbox(1h);
  outbox.Put({First(1)});
  Take(&outbox, 1h);
  outbox.Put({First(2)});
  EXPECT_EQ(Take(&outbox, 1h).size(), 1u);
}

TEST(Outbox, OtherNewsWaitsForTheInterval) {
  Outbox outbox(30ms);
  outbox.Put({First(1)});
  Take(&outbox, 1h);
  const auto start = std::chrono::steady_clock::now();
  outbox.Put({Tokens(1, {5}, "x")});
  EXPECT_EQ(Take(&outbox, 1h).size(), 1u);
  EXPECT(std::chrono::steady_clock::now() - start >= 25ms);
}

TEST(Outbox, ClosingEndsAWaitAndKeepsWhatIsThere) {
  Outbox outbox(1h);
  outbox.Put({First(1)});
  Take(&outbox, 1h);
  outbox.Put({Tokens(1, {5}, "x")});
  outbox.Close();
  std::vector<Event> events;
  EXPECT(outbox.Wait(&events, 1h));
  EXPECT_EQ(events.size(), 1u);
  EXPECT(!outbox.Wait(&events, 1h));
}

TEST(Outbox, OneWakeUpForAllEventsOfAStep) {
  Outbox outbox;
  outbox.Put({Event{}, Event{}, Event{}});
  outbox.Put({});
  std::vector<Event> events;
  EXPECT(outbox.Wait(&events, std::chrono::milliseconds(0)));
  EXPECT_EQ(events.size(), 3u);
  EXPECT_EQ(outbox.num_batches(), 1u);
}

TEST(Outbox, ClosingWakesTheConsumerAfterTheLastEvent) {
  Outbox outbox;
  outbox.Put({Event{}});
  std::thread closer([&] { outbox.Close(); });
  closer.join();
  std::vector<Event> events;
  EXPECT(outbox.Wait(&events, std::chrono::milliseconds(1000)));
  EXPECT(!outbox.Wait(&events, std::chrono::milliseconds(1000)));
}
