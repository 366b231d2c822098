#pragma once

#include <array>
#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "store/store_error.h"

namespace sluice {

// How rows lie in LMDB: one byte for the version, then the fields in the order in which the row's
// fields() names them, once for both directions:
//
//   unsigned, bool, enum   LEB128, shortest form only
//   signed                 zigzag, then LEB128
//   text                   its length as LEB128, then its bytes
//   array of bytes         its bytes
//   optional               0, or 1 and the value
//   vector                 its count, then the values
//
// A value must end where its last field ends: each shorter one is refused, and each longer one.

// RowWriter - appends fields to `out`.
class RowWriter {
 public:
  explicit RowWriter(std::string& out) : out_(&out) {}

  template <class... Fields>
  void operator()(const Fields&... fields) {
    (put(fields), ...);
  }

 private:
  void varint(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) out_->push_back(static_cast<char>(value | 0x80));
    out_->push_back(static_cast<char>(value));
  }
  template <class T>
  requires std::unsigned_integral<T> || std::is_enum_v<T>
  void put(T value) { varint(static_cast<std::uint64_t>(value)); }
  template <std::signed_integral T>
  void put(T value) {
    const auto wide = static_cast<std::int64_t>(value);
    varint(static_cast<std::uint64_t>(wide) << 1 ^ static_cast<std::uint64_t>(wide >> 63));
  }
  void put(std::string_view text) {
    varint(text.size());
    out_->append(text);
  }
  void put(const std::string& text) { put(std::string_view(text)); }
  template <std::size_t N>
  void put(const std::array<std::uint8_t, N>& bytes) {
    out_->append(reinterpret_cast<const char*>(bytes.data()), N);
  }
  template <class T>
  void put(const std::optional<T>& value) {
    out_->push_back(value.has_value() ? 1 : 0);
    if (value) put(*value);
  }
  template <class T>
  void put(const std::vector<T>& values) {
    varint(values.size());
    for (const T& value : values) put(value);
  }
  template <class T>
  requires std::is_class_v<T>
  void put(const T& row) { T::fields(row, *this); }

  std::string* out_;
};

// RowReader - takes fields from the front of a value; the first that does not fit leaves all
// later ones as they are.
class RowReader {
 public:
  explicit RowReader(std::string_view bytes) : rest_(bytes) {}

  template <class... Fields>
  void operator()(Fields&... fields) {
    (take(fields), ...);
  }

  [[nodiscard]] bool done() const noexcept { return ok_ && rest_.empty(); }

 private:
  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && !rest_.empty(); shift += 7) {
      const auto byte = static_cast<std::uint8_t>(rest_.front());
      rest_.remove_prefix(1);
      value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) {
        // The tenth byte has one bit to give, and a last byte of 0 was a longer form than needed.
        if ((shift == 63 && byte > 1) || (shift > 0 && byte == 0)) break;
        return value;
      }
    }
    ok_ = false;
    return 0;
  }
  std::string_view bytes(std::uint64_t count) {
    if (!ok_ || count > rest_.size()) {
      ok_ = false;
      return {};
    }
    const std::string_view taken = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return taken;
  }
  template <std::unsigned_integral T>
  void take(T& value) {
    const std::uint64_t wide = ok_ ? varint() : 0;
    if (static_cast<T>(wide) != wide) ok_ = false;
    if (ok_) value = static_cast<T>(wide);
  }
  // Every enum of a row ends with kLast, an alias of its last value.
  template <class T>
  requires std::is_enum_v<T>
  void take(T& value) {
    std::underlying_type_t<T> number = 0;
    take(number);
    if (number > static_cast<std::underlying_type_t<T>>(T::kLast)) ok_ = false;
    if (ok_) value = static_cast<T>(number);
  }
  template <std::signed_integral T>
  void take(T& value) {
    const std::uint64_t raw = ok_ ? varint() : 0;
    const auto wide = static_cast<std::int64_t>(raw >> 1 ^ (~(raw & 1) + 1));
    if (static_cast<T>(wide) != wide) ok_ = false;
    if (ok_) value = static_cast<T>(wide);
  }
  void take(bool& value) {
    std::uint8_t number = 0;
    take(number);
    if (number > 1) ok_ = false;
    if (ok_) value = number == 1;
  }
  void take(std::string& text) {
    std::uint64_t size = 0;
    take(size);
    const std::string_view taken = bytes(size);
    if (ok_) text = taken;
  }
  template <std::size_t N>
  void take(std::array<std::uint8_t, N>& value) {
    const std::string_view taken = bytes(N);
    for (std::size_t i = 0; ok_ && i < N; ++i) value[i] = static_cast<std::uint8_t>(taken[i]);
  }
  template <class T>
  void take(std::optional<T>& value) {
    bool there = false;
    take(there);
    if (!ok_) return;
    if (there) {
      take(value.emplace());
    } else {
      value.reset();
    }
  }
  template <class T>
  void take(std::vector<T>& values) {
    std::uint64_t count = 0;
    take(count);
    // Each value has a byte at least, so a count beyond the rest is no reason to take memory.
    if (count > rest_.size()) ok_ = false;
    values.clear();
    for (std::uint64_t i = 0; ok_ && i < count; ++i) take(values.emplace_back());
  }
  template <class T>
  requires std::is_class_v<T>
  void take(T& row) { T::fields(row, *this); }

  std::string_view rest_;
  bool ok_ = true;
};

// Row - what has a version, a table and fields.
template <class T>
concept Row = requires(T& row, RowReader& reader) {
  { T::kVersion } -> std::convertible_to<std::uint8_t>;
  { T::kTable } -> std::convertible_to<Table>;
  T::fields(row, reader);
};

// GrownRow - a row that has got fields since kFormerVersion, behind those that it had: added()
// names them. Rows of that version are read as well; what they lack is as in a new row.
template <class T>
concept GrownRow = Row<T> && requires(T& row, RowReader& reader) {
  { T::kFormerVersion } -> std::convertible_to<std::uint8_t>;
  T::added(row, reader);
};

// TwiceGrownRow - one that has got fields once more: added() names those of kSecondVersion,
// added_later() those of kVersion.
template <class T>
concept TwiceGrownRow = GrownRow<T> && requires(T& row, RowReader& reader) {
  { T::kSecondVersion } -> std::convertible_to<std::uint8_t>;
  T::added_later(row, reader);
};

// Replaces `out` by the row's bytes.
template <Row T>
void encode_row(const T& row, std::string& out) {
  out.assign(1, static_cast<char>(T::kVersion));
  RowWriter writer(out);
  T::fields(row, writer);
  if constexpr (GrownRow<T>) T::added(row, writer);
  if constexpr (TwiceGrownRow<T>) T::added_later(row, writer);
}

// kUnknownVersion with the version found, kMalformed for everything else that is no row; both name
// the table, for those rows that lie in more than one.
template <Row T>
[[nodiscard]] StoreResult<T> decode_row(std::string_view bytes, Table table = T::kTable) {
  if (bytes.empty()) return store_fail(StoreErrc::kMalformed, table);
  const auto version = static_cast<std::uint8_t>(bytes.front());
  bool known = version == T::kVersion;
  if constexpr (GrownRow<T>) known = known || version == T::kFormerVersion;
  if constexpr (TwiceGrownRow<T>) known = known || version == T::kSecondVersion;
  if (!known) return store_fail(StoreErrc::kUnknownVersion, table, version);
  T row;
  RowReader reader(bytes.substr(1));
  T::fields(row, reader);
  if constexpr (GrownRow<T>) {
    if (version != T::kFormerVersion) T::added(row, reader);
  }
  if constexpr (TwiceGrownRow<T>) {
    if (version == T::kVersion) T::added_later(row, reader);
  }
  if (!reader.done()) return store_fail(StoreErrc::kMalformed, table);
  return row;
}

}  // namespace sluice
