#include "store/journal/name_table.h"

#include <bit>
#include <cstring>

namespace sluice {
namespace {

template <class Word>
std::uint64_t word_at(const char* at) noexcept {
  Word word;
  std::memcpy(&word, at, sizeof(word));
  return word;
}

// From the length and up to 24 bytes: the front, the middle and the end. Names that agree in all
// these cost probes, and a client that makes up such names costs no more than kProbesMax of them.
std::uint32_t hash_of(std::string_view name) noexcept {
  constexpr std::uint64_t kOdd1 = 0x9e3779b97f4a7c15;  // the golden ratio, as splitmix64 has it
  constexpr std::uint64_t kOdd2 = 0xbf58476d1ce4e5b9;
  const std::size_t size = name.size();
  const char* const at = name.data();
  std::uint64_t front = 0;
  std::uint64_t middle = 0;
  std::uint64_t end = 0;
  if (size >= 8) {
    front = word_at<std::uint64_t>(at);
    middle = word_at<std::uint64_t>(at + size / 2 - 4);
    end = word_at<std::uint64_t>(at + size - 8);
  } else if (size >= 4) {
    front = word_at<std::uint32_t>(at);
    end = word_at<std::uint32_t>(at + size - 4);
  } else if (size > 0) {
    front = static_cast<unsigned char>(at[0]);
    middle = static_cast<unsigned char>(at[size / 2]);
    end = static_cast<unsigned char>(at[size - 1]);
  }
  std::uint64_t hash = (front ^ size) * kOdd1 ^ (std::rotl(middle, 23) + end) * kOdd2;
  hash = (hash ^ (hash >> 32)) * kOdd1;
  return static_cast<std::uint32_t>(hash >> 32);
}

}  // namespace

std::uint16_t NameTable::add_or_find(std::string_view name) noexcept {
  const std::uint32_t hash = hash_of(name);
  for (std::size_t probe = 0; probe < kProbesMax; ++probe) {
    std::uint16_t& place = places_[(hash + probe) % kPlaces];
    if (place == 0) {
      if (count_ == kNames || !store(entries_[count_], name)) return kNone;
      entries_[count_].hash = hash;
      place = static_cast<std::uint16_t>(count_ + 1);
      return count_++;
    }
    const Entry& entry = entries_[place - 1];
    if (entry.hash == hash && text_of(entry) == name) return static_cast<std::uint16_t>(place - 1);
  }
  return kNone;
}

bool NameTable::define(std::uint16_t id, std::string_view name) noexcept {
  if (id >= kNames) return false;
  for (; count_ <= id; ++count_) entries_[count_].known = false;
  Entry& entry = entries_[id];
  if (entry.known) return text_of(entry) == name;
  return store(entry, name);
}

std::optional<std::string_view> NameTable::name_of(std::uint16_t id) const noexcept {
  if (id >= count_ || !entries_[id].known) return std::nullopt;
  return text_of(entries_[id]);
}

void NameTable::clear() noexcept {
  count_ = 0;
  bytes_used_ = 0;
  std::memset(places_, 0, sizeof(places_));
}

bool NameTable::store(Entry& entry, std::string_view name) noexcept {
  if (name.size() > kBytes - bytes_used_ || name.size() > UINT16_MAX) return false;
  std::memcpy(bytes_ + bytes_used_, name.data(), name.size());
  entry = {.hash = 0,
           .offset = bytes_used_,
           .bytes = static_cast<std::uint16_t>(name.size()),
           .known = true};
  bytes_used_ += static_cast<std::uint32_t>(name.size());
  return true;
}

}  // namespace sluice
