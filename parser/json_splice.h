#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "base/arena.h"
#include "parser/json_probe.h"

namespace sluice {

// SplicedBody - a request body as it goes to one account: pieces of the client's body with other
// tokens between them, to be sent one after the other.
//
// Owns      nothing; the pieces point into the body, the arena and static text.
// Lifetime  as long as body and arena.
struct SplicedBody {
  std::array<std::string_view, 8> pieces;
  std::uint32_t count = 0;
  std::uint64_t bytes = 0;  // of all pieces: the Content-Length to send
};

// The body that `probe` was read from, with `native_model` for its model (unless it says so
// already, or names none) and, if asked, with stream_options.include_usage set to true: as a new
// member, in a stream_options that lacks it, or in place of another value. All other bytes stay as
// they are; nothing of the body is copied, and a body that needs no change is one piece.
[[nodiscard]] SplicedBody splice_request(std::string_view body, const RequestProbe& probe,
                                         std::string_view native_model, bool add_include_usage,
                                         Arena& arena);

}  // namespace sluice
