#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>

namespace sluice {

// NameTable - the names of one segment and their small ids, counted from 0. The shard has one for
// the segment that it writes, the reader one for the segment that it reads.
//
// A name that finds no room gets no id; the shard then writes it anew before each record that has
// it. So a client that makes up a model name for each request fills a table once, and costs a few
// slots a request from then on: no segment ends early for it.
//
// Owns      copies of the names: kBytes and 12 bytes a name, no allocation after construction.
// Affinity  one thread.
// Limits    kNames: a gateway knows a hundred names of accounts, client keys and models, not a
//           thousand. kBytes: 64 bytes for each, as long as a configured name may be.
// Cost      add_or_find() looks at kProbesMax places at most, whatever names a stranger chooses.
class NameTable {
 public:
  static constexpr std::uint16_t kNames = 1024;
  static constexpr std::size_t kBytes = 64 * 1024;
  static constexpr std::size_t kProbesMax = 16;

  static constexpr std::uint16_t kNone = 0xffff;

  // The id of `name`, which is new when it is what size() was before; kNone when the name is not
  // there and finds no room.
  [[nodiscard]] std::uint16_t add_or_find(std::string_view name) noexcept;
  [[nodiscard]] std::uint16_t size() const noexcept { return count_; }
  // Whether `id`, which add_or_find() has given, is that of `name`: less work than finding it.
  [[nodiscard]] bool is(std::uint16_t id, std::string_view name) const noexcept {
    return id < count_ && entries_[id].bytes == name.size() &&
           are_equal(bytes_ + entries_[id].offset, name.data(), name.size());
  }

  // Gives `name` the id that a journal tells; ids below that were told none have no name. False
  // when there is no such id or no room. For reading: what was added by id is not found by name.
  bool define(std::uint16_t id, std::string_view name) noexcept;
  // Nothing when the id has no name.
  [[nodiscard]] std::optional<std::string_view> name_of(std::uint16_t id) const noexcept;

  void clear() noexcept;

 private:
  static constexpr std::size_t kPlaces = 2 * kNames;  // half of them empty: short probes

  struct Entry {
    std::uint32_t hash;
    std::uint32_t offset;
    std::uint16_t bytes;
    bool known;
  };
  [[nodiscard]] std::string_view text_of(const Entry& entry) const noexcept {
    return {bytes_ + entry.offset, entry.bytes};
  }
  bool store(Entry& entry, std::string_view name) noexcept;
  // Names are short, and most are the same: no call for them. As two words that may overlap.
  [[nodiscard]] static bool are_equal(const char* a, const char* b, std::size_t bytes) noexcept {
    if (bytes > 2 * sizeof(std::uint64_t)) return std::memcmp(a, b, bytes) == 0;
    if (bytes >= sizeof(std::uint64_t)) return are_two_equal<std::uint64_t>(a, b, bytes);
    if (bytes >= sizeof(std::uint32_t)) return are_two_equal<std::uint32_t>(a, b, bytes);
    bool equal = true;
    for (std::size_t i = 0; i < bytes; ++i) equal = equal && a[i] == b[i];
    return equal;
  }
  template <class Word>
  [[nodiscard]] static bool are_two_equal(const char* a, const char* b,
                                          std::size_t bytes) noexcept {
    const std::size_t last = bytes - sizeof(Word);
    return ((load<Word>(a) ^ load<Word>(b)) | (load<Word>(a + last) ^ load<Word>(b + last))) == 0;
  }
  template <class Word>
  [[nodiscard]] static Word load(const char* at) noexcept {
    Word word;
    std::memcpy(&word, at, sizeof(word));
    return word;
  }

  std::uint16_t count_ = 0;  // ids in use are below
  std::uint32_t bytes_used_ = 0;
  std::uint16_t places_[kPlaces] = {};  // by hash: an id plus 1; 0: empty
  Entry entries_[kNames];
  char bytes_[kBytes];
};

}  // namespace sluice
