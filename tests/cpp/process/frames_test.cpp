// SPDX-License-Identifier: AGPL-3.0-only
#include "process/frames.h"

#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <thread>

#include "check.h"

namespace sentiric::process {
namespace {

class Pair {
 public:
  Pair() { ASSERT_OPEN(socketpair(AF_UNIX, SOCK_STREAM, 0, ends_)); }
  ~Pair() {
    CloseFirst();
    close(ends_[1]);
  }
  void CloseFirst() {
    if (ends_[0] >= 0) close(ends_[0]);
    ends_[0] = -1;
  }
  int first() const { return ends_[0]; }
  int second() const { return ends_[1]; }

 private:
  static void ASSERT_OPEN(int result) { EXPECT_EQ(result, 0); }
  int ends_[2] = {-1, -1};
};

TEST(Frames, ComeAsTheyWereSent) {
  Pair pair;
  const std::string large(3 << 20, 'x');  // more than the socket holds
  std::thread writing([&] {
    FrameWriter writer(pair.first());
    EXPECT(writer.Write(FrameKind::kStep, "one"));
    EXPECT(writer.Write(FrameKind::kOther, ""));
    EXPECT(writer.Write(FrameKind::kOther, large));
    pair.CloseFirst();
  });
  FrameReader reader(pair.second());
  EXPECT(reader.Next() == "one");
  EXPECT(reader.Next() == "");
  EXPECT(reader.Next() == large);
  EXPECT(!reader.Next());
  EXPECT(!reader.Next());
  writing.join();
}

TEST(Frames, SeveralInOneReadAreSeparate) {
  Pair pair;
  FrameWriter writer(pair.first());
  for (int i = 0; i < 100; ++i) writer.Write(FrameKind::kStep, std::to_string(i));
  pair.CloseFirst();
  FrameReader reader(pair.second());
  for (int i = 0; i < 100; ++i) EXPECT(reader.Next() == std::to_string(i));
  EXPECT(!reader.Next());
}

TEST(Frames, ACutOrOversizedFrameIsTheEnd) {
  for (const std::string& bytes :
       {std::string("\x05\0\0\0\0\0\0\0abc", 11), std::string("\xff\xff\xff\xff\0\0\0\0", 8),
        std::string("\x01\0", 2)}) {
    Pair pair;
    EXPECT_EQ(write(pair.first(), bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
    pair.CloseFirst();
    FrameReader reader(pair.second());
    EXPECT(!reader.Next());
  }
}

TEST(Frames, WritingToNobodyFails) {
  Pair pair;
  FrameWriter writer(pair.second());
  pair.CloseFirst();
  EXPECT(!writer.Write(FrameKind::kStep, "x"));
}

}  // namespace
}  // namespace sentiric::process
