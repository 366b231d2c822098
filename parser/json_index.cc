#include "parser/json_index.h"

#include <simdjson.h>

#include <bit>

#include "base/utf8.h"

namespace sluice {

namespace {

constexpr std::size_t kFirstBytes = 16384;  // an index of 64 KiB: most chat requests

// The first raw control character in a string, or the quote of the string that does not end.
// Reads byte by byte: only texts that are refused come here.
std::size_t string_fault_offset(std::string_view text) noexcept {
  std::size_t opened = text.size();
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (opened == text.size()) {
      if (c == '"') opened = i;
    } else if (c == '\\') {
      ++i;
    } else if (c == '"') {
      opened = text.size();
    } else if (static_cast<unsigned char>(c) < 0x20) {
      return i;
    }
  }
  return opened;
}

JsonFault fault_of(simdjson::error_code code, std::string_view text) noexcept {
  if (code == simdjson::UTF8_ERROR) return {find_invalid_utf8(text), "invalid UTF-8"};
  if (code == simdjson::UNCLOSED_STRING)
    return {string_fault_offset(text), "a string does not end"};
  if (code == simdjson::UNESCAPED_CHARS)
    return {string_fault_offset(text), "a control character in a string"};
  if (code == simdjson::EMPTY) return {text.size(), "no JSON text"};
  if (code == simdjson::MEMALLOC) return {0, "the gateway has no memory to read this text"};
  return {0, "no JSON text that can be read"};
}

}  // namespace

struct JsonIndex::Stage {
  std::unique_ptr<simdjson::internal::dom_parser_implementation> implementation;

  // Room for `bytes`. The depth is that of the DOM stack, which is never used.
  simdjson::error_code reserve(std::size_t bytes) {
    if (implementation == nullptr)
      return simdjson::get_active_implementation()->create_dom_parser_implementation(
          bytes, 1, implementation);
    return implementation->capacity() < bytes ? implementation->set_capacity(bytes)
                                              : simdjson::SUCCESS;
  }

  simdjson::error_code run(std::string_view text, std::span<const std::uint32_t>& tokens) {
    const std::size_t bytes = std::bit_ceil(text.size() | kFirstBytes);
    if (const auto code = reserve(bytes <= kKeptBytesMax ? bytes : text.size()); code) return code;
    const auto* const data = reinterpret_cast<const std::uint8_t*>(text.data());
    const auto code = implementation->stage1(data, text.size(), simdjson::stage1_mode::regular);
    if (!code)
      tokens = {implementation->structural_indexes.get(), implementation->n_structural_indexes};
    return code;
  }
};

JsonIndex::JsonIndex() : kept_(std::make_unique<Stage>()) {}
JsonIndex::~JsonIndex() = default;

bool JsonIndex::build(std::string_view text, JsonFault& fault) {
  tokens_ = {};
  if (text.empty()) {
    fault = fault_of(simdjson::EMPTY, text);
    return false;
  }
  const bool large = text.size() > kKeptBytesMax;
  if (large && large_ == nullptr) large_ = std::make_unique<Stage>();
  const auto code = (large ? large_ : kept_)->run(text, tokens_);
  if (code) fault = fault_of(code, text);
  return !code;
}

void JsonIndex::give_back() noexcept {
  large_.reset();
  tokens_ = {};
}

std::size_t JsonIndex::capacity() const noexcept {
  const Stage& stage = large_ != nullptr ? *large_ : *kept_;
  return stage.implementation != nullptr ? stage.implementation->capacity() : 0;
}

}  // namespace sluice
