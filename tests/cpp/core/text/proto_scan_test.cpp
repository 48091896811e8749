// SPDX-License-Identifier: AGPL-3.0-only
#include "core/text/proto_scan.h"

#include <string>

#include "check.h"

using sentiric::CountProtoFields;

namespace {

std::string Repeated(std::string_view unit, std::size_t count) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) text += unit;
  return text;
}

std::string_view Bytes(const char* text, std::size_t size) { return {text, size}; }

}  // namespace

TEST(ProtoScan, CountsFieldsOfEveryWireType) {
  EXPECT_EQ(CountProtoFields("", 9), 0);
  EXPECT_EQ(CountProtoFields(Bytes("\x08\x96\x01", 3), 9), 1);  // varint
  EXPECT_EQ(CountProtoFields(Bytes("\x09"
                                   "12345678",
                                   9),
                             9),
            1);  // fixed64
  EXPECT_EQ(CountProtoFields("\x0d"
                             "1234"
                             "\x12\x03"
                             "abc"
                             "\x08\x01",
                             9),
            3);                                           // fixed32, bytes, varint
  EXPECT_EQ(CountProtoFields("\x0b\x08\x01\x0c", 9), 3);  // a group
}

TEST(ProtoScan, EndsAtTheLimit) {
  const std::string empty = Repeated(Bytes("\x0a\x00", 2), 1000);
  EXPECT_EQ(CountProtoFields(empty, 1000), 1000);
  EXPECT_EQ(CountProtoFields(empty, 999), 1000);
  EXPECT_EQ(CountProtoFields(empty, 10), 11);
}

TEST(ProtoScan, WhatIsInsideIsNotCounted) {
  EXPECT_EQ(CountProtoFields("\x0a\x06\x08\x01\x08\x01\x08\x01", 9), 1);
}

TEST(ProtoScan, EndsAtAFault) {
  EXPECT_EQ(CountProtoFields("\x08\x01\x0f\x08\x01", 9), 2);  // no such wire type
  EXPECT_EQ(CountProtoFields("\x08\x01\x0a\x7f"
                             "abc",
                             9),
            2);                                              // longer than the message
  EXPECT_EQ(CountProtoFields(Repeated("\xff", 100), 9), 1);  // an endless number
  EXPECT_EQ(CountProtoFields(Bytes("\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11), 9), 1);
}
