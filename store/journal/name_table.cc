#include "store/journal/name_table.h"

#include <cstring>

#include "store/journal/crc32c.h"

namespace sluice {

std::optional<NameTable::Found> NameTable::add_or_find(std::string_view name) noexcept {
  const std::uint32_t hash = crc32c(name.data(), name.size());
  for (std::size_t probe = 0; probe < kProbesMax; ++probe) {
    std::uint16_t& place = places_[(hash + probe) % kPlaces];
    if (place == 0) {
      if (count_ == kNames || !store(entries_[count_], name)) return std::nullopt;
      entries_[count_].hash = hash;
      place = ++count_;
      return Found{static_cast<std::uint16_t>(count_ - 1), true};
    }
    const Entry& entry = entries_[place - 1];
    if (entry.hash == hash && text_of(entry) == name)
      return Found{static_cast<std::uint16_t>(place - 1), false};
  }
  return std::nullopt;
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
