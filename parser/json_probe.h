#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/arena.h"
#include "parser/json_index.h"

namespace sluice {

// RequestProbe - what the gateway reads in the JSON body of a request, and where it stands, so that
// json_splice.h can change it without copying the body.
//
// Owns      nothing. Views point into the body, or into the arena where an escape had to be
//           decoded.
// Lifetime  as long as both.
struct RequestProbe {
  std::string_view model;       // decoded
  std::size_t model_at = 0;     // the token with its quotes
  std::size_t model_bytes = 0;  // 0: there is none
  bool has_model = false;
  bool stream = false;

  // `stream_options` as it stands in the body: an object, or `null`.
  bool has_stream_options = false;  // it is an object
  bool stream_options_empty = false;
  bool include_usage = false;
  std::size_t stream_options_at = 0;
  std::size_t stream_options_bytes = 0;  // 0: no such member
  std::size_t include_usage_at = 0;      // the value in it
  std::size_t include_usage_bytes = 0;   // 0: no such member

  std::size_t object_end = 0;  // the closing brace of the body
  bool object_empty = false;

  // The largest of max_tokens, max_completion_tokens and max_output_tokens; -1 when none of them is
  // a whole number that is not negative. At most kMaxTokensCeiling.
  std::int64_t max_tokens = -1;
  std::string_view user;  // "" when it is no string
};

// ProbeFault - why a body is refused: 400 with `param` and the offset in the message.
struct ProbeFault {
  std::size_t offset = 0;
  std::string_view param;    // "" none; static text
  std::string_view message;  // static text, without a full stop
};

// JsonProber - reads the members of a JSON request that decide where it goes (HTTP_RULES J1-J6).
//
// Owns      its token index; no malloc in steady state for bodies up to the longest one before, up
//           to 1 MiB; the memory for a larger one is given back when it is read.
// Affinity  one thread; one per shard.
class JsonProber {
 public:
  static constexpr std::size_t kModelBytesMax = 1024;
  static constexpr std::size_t kUserBytesMax = 4096;  // a longer one with escapes is not decoded
  static constexpr std::int64_t kMaxTokensCeiling = std::int64_t{1} << 40;

  // Reads all of `body`; no padding behind it is needed. A body without `model` is good here: which
  // paths need one is not JSON's business.
  //
  // Refused: what is no JSON object, anything but white space behind it (J3); a member that is read
  // here and comes twice, also when escapes or capital letters hide it, because parsers differ on
  // which one they take and on letter case (J2); values of the wrong type (J4).
  [[nodiscard]] bool probe(std::string_view body, Arena& arena, RequestProbe& out,
                           ProbeFault& fault);

  // The longest body that needs no malloc.
  [[nodiscard]] std::size_t capacity() const noexcept { return index_.capacity(); }

 private:
  JsonIndex index_;
};

}  // namespace sluice
