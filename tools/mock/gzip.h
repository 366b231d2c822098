#pragma once

#include <string>
#include <vector>

namespace sluice {

// The pieces as one gzip member (RFC 1952), flushed after each, so that each can be read as soon as
// it has arrived. One piece in, one piece out.
[[nodiscard]] std::vector<std::string> gzip_pieces(const std::vector<std::string>& pieces);

}  // namespace sluice
