#include <gtest/gtest.h>

#include <vector>

#include "base/prng.h"
#include "tests/unit/parser/head_cuts.h"

namespace sluice {
namespace {

struct Line {
  std::string name, value;
};

std::string random_text(Prng& random, std::string_view alphabet, std::size_t bytes) {
  std::string text(bytes, '\0');
  for (char& c : text) c = alphabet[random.below(alphabet.size())];
  return text;
}

constexpr std::string_view kTokenBytes = "abcxyzABCXYZ0189-!#$%&'*+.^`|~";
constexpr std::string_view kValueBytes = "abcXYZ012 \t,;:=\"()[]{}\\/_-\x80\xff";

// Fields that no rule says anything about.
std::vector<Line> random_fields(Prng& random) {
  std::vector<Line> lines(random.below(20));
  for (Line& line : lines) {
    line.name = "y" + random_text(random, kTokenBytes, random.below(40));
    line.value = "v" + random_text(random, kValueBytes, random.below(90)) + "v";
  }
  return lines;
}

std::string written(const std::vector<Line>& lines, Prng& random) {
  std::string text;
  for (const Line& line : lines) {
    const std::string before = random_text(random, " \t", random.below(3));
    const std::string behind = random_text(random, " \t", random.below(3));
    text += line.name + ":" + before + line.value + behind + "\r\n";
  }
  return text;
}

TEST(HeadProperty, WhatIsWrittenIsReadBack) {
  Prng random(4);
  for (int round = 0; round < 2000; ++round) {
    const std::vector<Line> lines = random_fields(random);
    const std::string path = "/p" + random_text(random, "abc/-_=&!~", random.below(60));
    const std::string text =
        "POST " + path + " HTTP/1.1\r\nHost: a.example\r\n" + written(lines, random) + "\r\n";
    RequestSide side;
    ASSERT_EQ(side.parse(text), HeadState::kComplete) << text << side.why.message;
    ASSERT_EQ(side.head.path, path);
    ASSERT_EQ(side.head.fields.count, lines.size() + 1);
    for (std::size_t i = 0; i < lines.size(); ++i) {
      const Field& field = side.head.fields.items[i + 1];
      ASSERT_EQ(field.name, lines[i].name);
      ASSERT_EQ(field.value, lines[i].value);
      ASSERT_EQ(field.id, FieldId::kOther);
    }
  }
}

constexpr std::string_view kRequests[] = {
    "POST /v1/chat/completions?a=b HTTP/1.1\r\nHost: a.example:80\r\nContent-Length: "
    "5\r\n\r\nhello",
    "\r\nGET http://b/ HTTP/1.0\r\nConnection: close, X-A\r\nX-A: b\r\nExpect: "
    "100-continue\r\n\r\n",
    "PUT /a%20b HTTP/1.1\r\nhost: [::1]\r\nTransfer-Encoding: chunked\r\nx_y: z\r\n\r\n0\r\n\r\n",
};

constexpr std::string_view kResponses[] = {
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: keep-alive, a\r\nA: b\r\n\r\n{}",
    "HTTP/1.0 429 Too Many Requests\r\nRetry-After: 3\r\n\r\n",
    "HTTP/1.1 204\r\nTransfer-Encoding: chunked\r\nSet-Cookie: a\r\n\r\n",
};

std::string mutated(std::string_view text, Prng& random) {
  constexpr std::string_view kOdd = "\r\n\0 \t:,;%/.#\\?@[]_-+0x\x7f\x80\xff";
  std::string out(text);
  for (std::uint64_t steps = random.below(4) + 1; steps > 0; --steps) {
    const std::size_t at = random.below(out.size());
    const char c = random.below(3) == 0 ? static_cast<char>(random.below(256))
                                        : kOdd[random.below(kOdd.size())];
    switch (random.below(4)) {
      case 0: out[at] = c; break;
      case 1: out.insert(at, 1, c); break;
      case 2: out.erase(at, random.below(5) + 1); break;
      case 3: out.insert(at, out.substr(random.below(out.size()), random.below(30))); break;
    }
    if (out.empty()) out = "x";
  }
  return out;
}

TEST(HeadProperty, MutatedRequestsGiveTheSameInEveryCut) {
  Prng random(5);
  for (int round = 0; round < 1200; ++round) {
    const std::string text = mutated(kRequests[random.below(std::size(kRequests))], random);
    parse_in_every_cut(text, RequestSide());
    ASSERT_FALSE(HasFailure());
  }
}

TEST(HeadProperty, MutatedResponsesGiveTheSameInEveryCut) {
  Prng random(6);
  for (int round = 0; round < 1200; ++round) {
    const std::string text = mutated(kResponses[random.below(std::size(kResponses))], random);
    ResponseSide side;
    side.head_request = random.below(2) == 0;
    parse_in_every_cut(text, side);
    ASSERT_FALSE(HasFailure());
  }
}

}  // namespace
}  // namespace sluice
