#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

namespace sluice {

// JsonFault - where a text stops being acceptable JSON, and why. The text is static.
struct JsonFault {
  std::size_t offset = 0;  // in bytes from the start of the text
  std::string_view message;
};

// JsonIndex - the offsets of all tokens of a JSON text, by simdjson's first stage.
//
// The stage checks UTF-8 and strings over the whole text and finds the first byte of every token
// (brackets, commas, colons, strings, scalars) outside strings (bench/llm_bench.cc,
// BM_ProbeRequest). Walking the index is left to JsonWalk: simdjson's own front ends take what lies
// between matching counts of brackets on trust, and a text that two parsers read differently must
// be refused (J2).
//
// Owns      the index: 4 bytes per byte of the longest text seen, up to kKeptBytesMax; a longer
//           text gets an index of its own, which give_back() frees.
// Affinity  one thread.
class JsonIndex {
 public:
  static constexpr std::size_t kKeptBytesMax = 1u << 20;

  JsonIndex();
  ~JsonIndex();
  JsonIndex(const JsonIndex&) = delete;
  JsonIndex& operator=(const JsonIndex&) = delete;

  // Builds the index of `text`, which needs no padding. Malloc only for a text longer than all
  // before it. A text of 4 GiB or more is refused.
  [[nodiscard]] bool build(std::string_view text, JsonFault& fault);

  // Offsets of the tokens of the last text built, in order. Void after give_back().
  [[nodiscard]] std::span<const std::uint32_t> tokens() const noexcept { return tokens_; }

  // Frees what only a large text needed.
  void give_back() noexcept;

  // The longest text that needs no malloc.
  [[nodiscard]] std::size_t capacity() const noexcept;

 private:
  struct Stage;  // hides simdjson from everyone else
  std::unique_ptr<Stage> kept_;
  std::unique_ptr<Stage> large_;
  std::span<const std::uint32_t> tokens_;
};

}  // namespace sluice
