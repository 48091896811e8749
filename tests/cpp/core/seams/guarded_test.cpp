// SPDX-License-Identifier: AGPL-3.0-only
// What a task throws becomes an error; what it returns passes through.
#include "core/seams/guarded.h"

#include <stdexcept>
#include <string>

#include "check.h"

using namespace sentiric;

TEST(Guarded, PassesOnWhatATaskReturns) {
  EXPECT_EQ(Guarded("here", [] { return 7; }).value(), 7);
  const auto text = Guarded("here", [] { return Result<std::string>("text"); });
  EXPECT_EQ(text.value(), "text");
  EXPECT(!Guarded("here", [] {}).has_value());
  const Error error{ErrorCode::kNotSupported, "there", "no"};
  const auto refused = Guarded("here", [&] { return Result<int>(error); });
  EXPECT_EQ(refused.error().where, "there");
}

TEST(Guarded, TurnsExceptionsIntoErrors) {
  const auto full = Guarded("here", []() -> int { throw std::bad_alloc(); });
  EXPECT_EQ(full.error().Message(), "[here] not enough memory");
  EXPECT(full.error().code == ErrorCode::kOutOfMemory);
  const Status failed = Guarded("here", [] { throw std::runtime_error("a reason"); });
  EXPECT_EQ(failed->Message(), "[here] a reason");
  EXPECT(failed->code == ErrorCode::kInternal);
  const auto odd = Guarded("here", []() -> Result<int> { throw 5; });
  EXPECT_EQ(odd.error().what, "unknown exception");
}
