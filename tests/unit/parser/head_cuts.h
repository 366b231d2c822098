#pragma once

#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <string_view>

#include "parser/http1_request.h"
#include "parser/http1_response.h"
#include "tests/unit/guard_page.h"

namespace sluice {

// Everything a parser said about a head, as text: equal texts are equal results.
inline void print_fields(std::ostream& out, const FieldList& fields) {
  for (const Field& field : fields)
    out << "\n  " << field.name << "=[" << field.value << "] id " << static_cast<int>(field.id)
        << (field.drop ? " drop" : "");
}

inline std::string describe(HeadState state, const RequestHead& head, const Refusal& why) {
  std::ostringstream out;
  if (state == HeadState::kIncomplete) return "incomplete";
  if (state == HeadState::kRefused) {
    out << why.status << ' ' << why.rule << ": " << why.message;
    return out.str();
  }
  out << head.method_text << '/' << static_cast<int>(head.method) << " [" << head.target << "] ["
      << head.path << "] [" << head.query << "] " << head.has_query << " host [" << head.host
      << "] 1." << head.minor_version << " framing " << static_cast<int>(head.framing) << ' '
      << head.content_length << (head.close ? " close" : "")
      << (head.expect_continue ? " expects" : "") << " bytes " << head.bytes;
  print_fields(out, head.fields);
  return out.str();
}

inline std::string describe(HeadState state, const ResponseHead& head, const Refusal& why) {
  std::ostringstream out;
  if (state == HeadState::kIncomplete) return "incomplete";
  if (state == HeadState::kRefused) {
    out << why.status << ' ' << why.rule << ": " << why.message;
    return out.str();
  }
  out << head.status << " [" << head.reason << "] 1." << head.minor_version << " framing "
      << static_cast<int>(head.framing) << ' ' << head.content_length
      << (head.close ? " close" : "") << " bytes " << head.bytes;
  print_fields(out, head.fields);
  return out.str();
}

// RequestSide, ResponseSide - what the cutting below needs to know of the two parsers.
struct RequestSide {
  RequestHeadParser parser;
  WithFields<RequestHead> head;
  Refusal why;
  explicit RequestSide(const HeadLimits& limits = {}) : parser(limits) {}
  HeadState parse(std::string_view bytes) { return parser.parse(bytes, head, why); }
};
struct ResponseSide {
  ResponseHeadParser parser;
  WithFields<ResponseHead> head;
  Refusal why;
  bool head_request = false;
  explicit ResponseSide(const HeadLimits& limits = {}) : parser(limits) {}
  HeadState parse(std::string_view bytes) { return parser.parse(bytes, head_request, head, why); }
};

// Parses `text` in guarded memory whole, in every two-way cut (for long texts, in some) and byte by
// byte, and expects the same result each time. The bytes lie elsewhere in each call, as in a buffer
// that grew. Returns the result of the whole.
template <class Side>
std::string parse_in_every_cut(std::string_view text, const Side& fresh) {
  constexpr std::size_t kEveryCutBytesMax = 1024;
  constexpr std::size_t kStride = 97;
  GuardedBytes memory(text.size());
  Side whole = fresh;
  const HeadState state = whole.parse(memory.place(text));
  const std::string expected = describe(state, whole.head, whole.why);

  for (std::size_t cut = 0; cut < text.size();
       cut += text.size() <= kEveryCutBytesMax ? 1 : kStride) {
    Side side = fresh;
    HeadState now = side.parse(memory.place(text.substr(0, cut)));
    if (now == HeadState::kIncomplete) now = side.parse(memory.place(text));
    EXPECT_EQ(expected, describe(now, side.head, side.why)) << "cut at " << cut << " of " << text;
  }
  Side side = fresh;
  HeadState now = HeadState::kIncomplete;
  for (std::size_t bytes = 1; bytes <= text.size() && now == HeadState::kIncomplete; ++bytes)
    now = side.parse(memory.place(text.substr(0, bytes)));
  EXPECT_EQ(expected, describe(now, side.head, side.why)) << "byte by byte: " << text;
  return expected;
}

// "400 S2", or "complete", or "incomplete": the verdict alone.
inline std::string verdict(const std::string& description) {
  if (description == "incomplete") return description;
  const std::size_t colon = description.find(": ");
  const bool refused = colon != std::string::npos && colon < 9 && description[3] == ' ';
  return refused ? description.substr(0, colon) : "complete";
}

}  // namespace sluice
