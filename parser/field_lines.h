#pragma once

#include <cstdint>
#include <string_view>

#include "parser/head_lines.h"
#include "parser/http1_common.h"

namespace sluice {

enum class HeadKind : std::uint8_t { kRequest, kResponse };

// The status of a refusal: the client is told that it erred, a provider's garbage is a bad gateway.
[[nodiscard]] constexpr std::uint16_t refusal_status(HeadKind kind) noexcept {
  return kind == HeadKind::kRequest ? 400 : 502;
}

// FieldFacts - what the rules about single fields need: the first one of its kind and how many
// there are. Pointers into the FieldList.
struct FieldFacts {
  const Field* host = nullptr;
  const Field* content_length = nullptr;
  const Field* transfer_encoding = nullptr;
  const Field* expect = nullptr;
  const Field* connection = nullptr;
  std::uint32_t hosts = 0;
  std::uint32_t content_lengths = 0;
  std::uint32_t transfer_encodings = 0;
  std::uint32_t connections = 0;
};

// All field lines that `lines` found in `bytes` (F1, F2, F4, F5). Controls and sizes are what
// HeadLines has checked before.
[[nodiscard]] bool parse_fields(std::string_view bytes, const HeadLines& lines, HeadKind kind,
                                FieldList& out, FieldFacts& facts, Refusal& why) noexcept;

// F9: reads all Connection fields, marks what they name for removal and sets `close` when they hold
// that option.
[[nodiscard]] bool apply_connection_options(FieldList& fields, const FieldFacts& facts,
                                            HeadKind kind, bool& close, Refusal& why) noexcept;

// What HeadLines found, as a refusal of a request or a response.
[[nodiscard]] Refusal refusal_of(HeadLines::Fault fault, bool in_start_line,
                                 HeadKind kind) noexcept;

}  // namespace sluice
