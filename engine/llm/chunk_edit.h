#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sluice {

// ChunkEdit - what must go from one event of a completions stream, so that it reads as if
// stream_options.include_usage had not been asked for.
struct ChunkEdit {
  enum class Kind : std::uint8_t {
    kKeep,  // nothing
    kCut,   // the bytes [begin, end): a `usage` member that is null, with its comma
    kDrop,  // the whole event: an empty `choices`, and a usage object or a null usage and no more
  };
  Kind kind = Kind::kKeep;
  std::size_t begin = 0;
  std::size_t end = 0;
};

// Looks at one complete event, with all its lines. Cost: bench/llm_bench.cc, BM_StreamFilterEvent.
[[nodiscard]] ChunkEdit edit_for_chunk(std::string_view event) noexcept;

}  // namespace sluice
