#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"

namespace sluice {

// Point - a place in an answer: where it breaks off, or where it stalls.
struct Point {
  enum class Kind : std::uint8_t { kStart, kHead, kEvent, kByte, kEnd };
  Kind kind = Kind::kStart;
  std::uint64_t count = 0;  // events or body bytes that come before it

  friend bool operator==(const Point&, const Point&) = default;
};

enum class UsageShape : std::uint8_t { kFull, kNone, kNull, kTotal, kZero, kContinuous };
enum class AnswerShape : std::uint8_t {
  kNormal,
  kNull,
  kList,
  kEmpty,
  kText,
  kHtml,
  kNoChoices,
};
enum class StreamMode : std::uint8_t { kAuto, kNever, kAlways };
enum class WireFraming : std::uint8_t { kAuto, kLength, kChunked, kClose, kHttp10 };
enum class SseEol : std::uint8_t { kLf, kCrlf, kCr, kMixed };
enum class Abort : std::uint8_t { kNone, kReset, kFin };
enum class Early : std::uint8_t { kNo, kClose, kKeep };

// The ways in which an answer can be no valid HTTP/1.1 message.
enum class Malformed : std::uint8_t {
  kNone,
  kStatusLine,
  kNoStatus,
  kStatus99,
  kStatus1000,
  kVersion,
  kGarbage,
  kHeaderNoColon,
  kHeaderSpace,
  kHeaderFold,
  kHeaderNul,
  kHeaderControl,
  kHeaderName,
  kBareLf,
  kBareCr,
  kClTe,
  kTwoLengths,
  kLengthList,
  kLengthSign,
  kLengthNegative,
  kLengthText,
  kLengthOverflow,
  kTeUnknown,
  kTeTwice,
  kBodilessLength,
  kHugeHead,
  kManyFields,
  kLongField,
  kChunkSize,
  kChunkOverflow,
  kChunkLf,
  kChunkNoCrlf,
  kChunkSign,
  kNoLastChunk,
};

struct MockField {
  std::string name;
  std::string value;

  friend bool operator==(const MockField&, const MockField&) = default;
};

// What the model says.
struct ContentBehaviour {
  std::uint32_t tokens = 16;
  std::uint64_t content_bytes = 0;  // 0: `tokens` words
  std::optional<std::string> content;
  bool unicode = false;
  bool tool_call = false;
  std::optional<std::uint64_t> prompt_tokens;
  std::uint64_t cached_tokens = 0;
  std::uint64_t reasoning_tokens = 0;
  std::optional<std::string> finish_reason;
  std::uint32_t dimensions = 16;
  UsageShape usage = UsageShape::kFull;
  AnswerShape answer = AnswerShape::kNormal;
  StreamMode stream = StreamMode::kAuto;
};

// Status and fields.
struct HeadBehaviour {
  int status = 200;
  std::optional<std::string> message, error_type, error_code;
  std::optional<std::string> retry_after;  // as it is sent
  std::optional<std::string> retry_after_ms;
  std::optional<Duration> retry_after_date;
  std::optional<bool> should_retry;
  std::vector<MockField> fields;  // replace ours of the same name
  std::uint32_t set_cookies = 0;
  std::optional<std::string> body, content_type;
  int informational_status = 0;
  std::uint32_t informational_count = 0;
};

// How the bytes are laid out on the wire, all of it legal.
struct WireBehaviour {
  WireFraming framing = WireFraming::kAuto;
  bool gzip = false;
  std::uint32_t write_bytes = 0;  // 0: as large as they come
  Duration drip{0}, drip_head{0};
  bool trailer = false, chunk_extension = false;
  bool close = false, close_silent = false;
  std::optional<Duration> close_after;
  SseEol sse_eol = SseEol::kLf;
  bool sse_comment = false, sse_event_split = false, sse_no_done = false, sse_no_finish = false;
  std::optional<std::uint64_t> sse_error;  // after so many events
};

// What goes wrong.
struct FaultBehaviour {
  Abort abort = Abort::kNone;
  Point abort_at;
  Duration stall{0};
  Point stall_at;
  Early early = Early::kNo;
  bool no_continue = false;
  std::optional<std::string> raw;
  Malformed malformed = Malformed::kNone;
  std::string extra;
  Duration extra_after{0};
};

// Behaviour - all that can be said about one answer. Made of directives ("status=429"), each of
// which changes one member, so that later lists win over earlier ones directive by directive.
struct Behaviour {
  Duration latency{0};
  Duration gap{0};  // between the events of a stream
  ContentBehaviour content;
  HeadBehaviour head;
  WireBehaviour wire;
  FaultBehaviour fault;
};

// "forever" of stalls: longer than any test, short enough to add to an Instant.
inline constexpr Duration kStallForever = 24h * 365;

// One directive. Nothing when it was applied, else what is wrong with it. `name` may be written
// with '-' or '_'; `value` is "true" for a bare name.
[[nodiscard]] std::optional<std::string> apply_directive(Behaviour& behaviour,
                                                         std::string_view name,
                                                         std::string_view value);

// A list of directives as in the request header: "status=429; retry-after=2". Values may hold %XX.
// Stops at the first fault and returns it.
[[nodiscard]] std::optional<std::string> apply_directives(Behaviour& behaviour,
                                                          std::string_view list);

// "head", "event:3", "byte:100", ... Nothing on anything else.
[[nodiscard]] std::optional<Point> parse_point(std::string_view text);

[[nodiscard]] std::optional<Malformed> parse_malformed(std::string_view text);

}  // namespace sluice
